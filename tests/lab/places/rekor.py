"""Rekor v1's API, fed from what the lab's log has logged, and able to lie.

As Rekor answers (rekor, openapi.yaml): the index by digest, entries by UUID, number or
proposal, ten a question, and the log's key and state. What the index knows of an entry
depends on its kind. An entry has a promise and, where the log gave one, a proof.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.lab.encoding import canonical
from tests.lab.hostile_http import Request
from tests.lab.places.server import Place, Reply

JSON = "application/json"
AT_ONCE = 10

_API = "/api/v1"
Said = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Logged:
    """One entry: its JSON as the API has it, and the digests under which the index lists it."""

    uuid: str
    said: Said
    digests: frozenset[str]

    @classmethod
    def of(cls, entry: Mapping[str, Any], payload: bytes | None) -> _Logged:
        """Return the entry of a bundle; ``payload`` is what was uploaded with it."""
        body = b64decode(entry["canonicalizedBody"])
        proof = entry.get("inclusionProof")
        promise = entry["inclusionPromise"]["signedEntryTimestamp"]
        said = {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": b64decode(entry["logId"]["keyId"]).hex(),
            "logIndex": int(entry["logIndex"]),
            "verification": {"signedEntryTimestamp": promise},
        }
        if proof is not None:
            said["verification"]["inclusionProof"] = {
                "logIndex": int(proof["logIndex"]),
                "rootHash": b64decode(proof["rootHash"]).hex(),
                "treeSize": int(proof["treeSize"]),
                "hashes": [b64decode(node).hex() for node in proof["hashes"]],
                "checkpoint": proof["checkpoint"]["envelope"],
            }
        leaf = hashlib.sha256(b"\x00" + body).hexdigest()
        tree = (proof or {}).get("checkpoint", {}).get("envelope", "- 1\n").split("\n")[0]
        uuid = f"{int(tree.rpartition(' - ')[2]):016x}{leaf}"
        return cls(uuid=uuid, said=said, digests=frozenset(_indexed(body, payload)))


def _indexed(body: bytes, payload: bytes | None) -> Iterable[str]:
    """Yield what the index lists an entry under, by its kind (rekor, pkg/types)."""
    entry = json.loads(body)
    spec = entry["spec"]
    match entry["kind"], entry["apiVersion"]:
        case "hashedrekord", _:
            yield _told(spec["data"]["hash"])
            yield _of(b64decode(spec["signature"]["publicKey"]["content"]))
        case "dsse", _:
            yield _told(spec["payloadHash"])
            yield _told(spec["envelopeHash"])
            yield from (_of(b64decode(it["verifier"])) for it in spec["signatures"])
        case "intoto", version:
            content = spec["content"]
            if "payloadHash" in content:
                yield _told(content["payloadHash"])
            if version == "0.0.1":
                yield _told(content["hash"])
        case _:
            raise ValueError(f"not an entry of Rekor v1: {entry['kind']}")
    for subject in json.loads(payload or b"{}").get("subject", ()):
        if "sha256" in subject["digest"]:
            yield f"sha256:{subject['digest']['sha256']}"


def _told(given: Mapping[str, str]) -> str:
    return f"{given['algorithm']}:{given['value']}"


def _of(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


class Rekor(Place):
    """A log's server, with the entries of some bundles.

    ``decoy`` is a bundle whose entry it knows as well, and which it lies with; ``lie`` is one
    of :data:`LIES`. ``crowd`` are bundles that are indexed under the digests of all others,
    as anybody's can be who signs the same bytes.
    """

    methods = ("GET", "HEAD", "POST")

    def __init__(
        self,
        *bundles: bytes,
        decoy: bytes | None = None,
        lie: str = "",
        crowd: Iterable[bytes] = (),
        public_key: bytes = b"",
    ) -> None:
        """Listen at once; ``public_key`` is what it says its key is, in PEM."""
        super().__init__()
        self.public_key = public_key
        self.lie = lie
        self._decoy = None if decoy is None else _logged(decoy)[0]
        self._entries = {logged.uuid: logged for raw in bundles for logged in _logged(raw)}
        everywhere = frozenset(d for logged in self._entries.values() for d in logged.digests)
        for raw in crowd:
            for one in _logged(raw):
                joined = _Logged(uuid=one.uuid, said=one.said, digests=one.digests | everywhere)
                self._entries = {one.uuid: joined} | self._entries

    def log_with(self, raw: bytes) -> None:
        """Take in a bundle's entries, as if it had been signed just now."""
        self._entries |= {logged.uuid: logged for logged in _logged(raw)}

    def answer(self, request: Request) -> Reply:
        """Return what Rekor answers, or the lie it was told to tell."""
        if self.lie == "html":
            page = b"<!doctype html><title>Sign in</title>"
            return Reply(body=page, headers=("Content-Type: text/html",))
        path = request.path.removeprefix(_API)
        match request.method, path:
            case "POST", "/index/retrieve":
                return self._index(json.loads(request.body))
            case "POST", "/log/entries/retrieve":
                return self._retrieved(json.loads(request.body))
            case "GET", "/log":
                return self._state()
            case "GET", "/log/publicKey" if self.public_key:
                return Reply(
                    body=self.public_key, headers=("Content-Type: application/x-pem-file",)
                )
            case _:
                return self._entry(path.removeprefix("/log/entries/"))

    def _entry(self, uuid: str) -> Reply:
        found = [it for it in self._entries.values() if it.uuid.endswith(uuid) and len(uuid) >= 64]
        return Reply.json(self._rendered(found[0]), JSON) if found else Reply.missing()

    def _index(self, asked: Said) -> Reply:
        if self.lie == "endless":
            return Reply.json([_made_up(number) for number in range(500)], JSON)
        if self.lie == "endless-list":
            return Reply.json([_made_up(number) for number in range(20_000)], JSON)
        found = [it.uuid for it in self._entries.values() if asked.get("hash") in it.digests]
        if found and self.lie == "another-signature" and self._decoy is not None:
            found = [self._decoy.uuid]
        return Reply.json(found, JSON)

    def _retrieved(self, asked: Said) -> Reply:
        wanted = [item for items in asked.values() for item in items]
        if not 0 < len(wanted) <= AT_ONCE:
            return Reply.json({"code": 422, "message": "too many"}, JSON, 422)
        known = dict(self._entries)
        if self._decoy is not None:
            known[self._decoy.uuid] = self._decoy
        uuids = {uuid[-64:] for uuid in asked.get("entryUUIDs", ())}
        numbers, bodies = (
            set(asked.get("logIndexes", ())),
            set(map(_proposed, asked.get("entries", ()))),
        )
        found = [
            logged
            for logged in known.values()
            if logged.uuid[-64:] in uuids
            or logged.said["logIndex"] in numbers
            or b64decode(logged.said["body"]) in bodies
        ]
        if found and self.lie == "another-signature" and self._decoy is not None:
            found = [self._decoy]
        return Reply.json([self._rendered(logged) for logged in found], JSON)

    def _rendered(self, logged: _Logged) -> Said:
        said: Said = json.loads(json.dumps(logged.said))
        change = LIES.get(self.lie)
        if change is not None:
            change(said, self._decoy.said if self._decoy is not None else {})
        # What was uploaded comes back as well, as far as the log keeps it.
        return {logged.uuid: said | {"attestation": {"data": b64encode(b"{}").decode()}}}

    def _state(self) -> Reply:
        proofs = [
            it.said["verification"].get("inclusionProof", {}) for it in self._entries.values()
        ]
        (first, *_) = proofs or [{}]
        state = {
            "rootHash": first.get("rootHash", "0" * 64),
            "treeSize": first.get("treeSize", 0),
            "signedTreeHead": first.get("checkpoint", ""),
            "treeID": "1",
            "inactiveShards": [],
        }
        return Reply.json(state, JSON)


def _logged(bundle: bytes) -> list[_Logged]:
    value = json.loads(bundle)
    envelope = value.get("dsseEnvelope")
    payload = b64decode(envelope["payload"]) if envelope else None
    entries = value["verificationMaterial"].get("tlogEntries", ())
    return [_Logged.of(entry, payload) for entry in entries if "inclusionPromise" in entry]


def _proposed(entry: Said) -> bytes:
    """Return the body that Rekor would log for a proposal."""
    spec = entry["spec"]
    if entry["kind"] == "dsse":
        envelope = spec["proposedContent"]["envelope"].encode()
        value = json.loads(envelope)
        signatures = [
            {"signature": signature["sig"], "verifier": verifier}
            for signature, verifier in zip(
                value["signatures"], spec["proposedContent"]["verifiers"], strict=True
            )
        ]
        spec = {
            "envelopeHash": _hash(envelope),
            "payloadHash": _hash(b64decode(value["payload"])),
            "signatures": signatures,
        }
    return canonical({"apiVersion": entry["apiVersion"], "kind": entry["kind"], "spec": spec})


def _hash(raw: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(raw).hexdigest()}


def _made_up(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _another_log(said: Said, decoy: Said) -> None:
    said["logID"] = decoy["logID"]


def _another_tree(said: Said, decoy: Said) -> None:
    said["verification"]["inclusionProof"] = decoy["verification"]["inclusionProof"]


def _another_checkpoint(said: Said, decoy: Said) -> None:
    other = decoy["verification"]["inclusionProof"]["checkpoint"]
    said["verification"]["inclusionProof"]["checkpoint"] = other


def _wrong_promise(said: Said, decoy: Said) -> None:
    other = decoy["verification"]["signedEntryTimestamp"]
    said["verification"]["signedEntryTimestamp"] = other


def _another_time(said: Said, _: Said) -> None:
    said["integratedTime"] += 60


def _another_body(said: Said, decoy: Said) -> None:
    said["body"] = decoy["body"]


def _no_proof(said: Said, _: Said) -> None:
    del said["verification"]["inclusionProof"]


#: What a lying log changes in an entry, given another one.
LIES: Mapping[str, Callable[[Said, Said], None]] = MappingProxyType(
    {
        "another-log": _another_log,
        "another-tree": _another_tree,
        "another-checkpoint": _another_checkpoint,
        "wrong-promise": _wrong_promise,
        "another-time": _another_time,
        "another-body": _another_body,
        "no-proof": _no_proof,
    }
)

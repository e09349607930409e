"""The rows of ``cases.jsonl``: real bundles of client libraries' fixtures, and their verdicts."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kit.formats import trusted_root
from kit.model import Claim, Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier
from tests.corpus.places import CORPUS

AT = datetime(2026, 11, 20, tzinfo=UTC)
_ALGORITHMS = {"sha2_256": "sha256", "sha256": "sha256", "sha2_512": "sha512", "sha512": "sha512"}


@dataclass(frozen=True, slots=True)
class Case:
    """One row."""

    row: dict[str, Any]

    @property
    def id(self) -> str:
        """Its name."""
        return str(self.row["id"])

    @property
    def expected(self) -> str:
        """``pass``, ``fail``, ``skip`` or ``unknown``."""
        return str(self.row["expected"])

    @property
    def digests(self) -> list[Digest]:
        """The digests of accepted algorithms of what the bundle is said to be about."""
        return [
            Digest(_ALGORITHMS[given["algorithm"].lower()], given["digest"])
            for given in self.row["artifacts"]
            if given["algorithm"].lower() in _ALGORITHMS
        ]

    def bundle(self) -> bytes:
        """Return the bundle's bytes, out of a file of lines or of an API's answer."""
        raw: bytes = (CORPUS / self.row["bundle"]).read_bytes()
        if self.row["line"] is not None:
            raw = raw.split(b"\n")[int(self.row["line"])]
        if self.row["pointer"] is None:
            return raw
        value = json.loads(raw)
        for part in self.row["pointer"].strip("/").split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return json.dumps(value).encode()

    def verifier(self) -> SigstoreVerifier:
        """Return a verifier of the row's instance, with its key if it is of a key."""
        raw = (CORPUS / self.row["trusted_root"]).read_bytes()
        anchor = Anchor(instance="case", raw=raw, root=trusted_root.parse(raw), origin="test")
        return SigstoreVerifier(anchor, AT, public_keys=self._keys())

    def _keys(self) -> list[bytes]:
        hint = (self.row["publicKey"] or {}).get("hint", "")
        npm = json.loads((CORPUS / "npm/npm-keys.json").read_text())["keys"]
        return [
            base64.b64decode(key["publicKey"]["rawBytes"])
            for key in npm
            if key["keyId"] == hint and key["keyUsage"] == "npm:attestations"
        ]

    def claims(self) -> list[Claim]:
        """Verify; return the claim about each digest, or raise the first refusal."""
        verified = self.verifier().verify(self.bundle())
        return [verified.claim_for(self.id, {digest.algorithm: digest}) for digest in self.digests]


def load() -> list[Case]:
    """Return every row."""
    text = (CORPUS / "cases.jsonl").read_text()
    return [Case(json.loads(line)) for line in text.splitlines()]

"""A second reader of packs, from bundles/FORMAT.md alone: no code of the kit, only the library."""

import base64
import hashlib
import json
import re
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

PART = r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|\Z))(?![.-])[A-Za-z0-9._+~-]+(?<!\.)"
PATH = rf"(?=[^/]{{1,100}}\Z|.{{1,155}}/[^/]{{1,100}}\Z)(?:{PART}/)*{PART}"
HIDDEN = (
    "\0-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff"
)
NAME, WORD = rf"(?!\.{{1,2}}\Z)[^/\\{HIDDEN}]{{1,255}}", "[A-Za-z0-9][A-Za-z0-9._+~-]{0,79}"
TIME = r"(?:19[7-9]|[2-9]\d\d)\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
KIND = (
    "npm-attestations|npm-packument|sigstore-bundle|digest-manifest|pep740-attestation|openpgp-signature|dsse-envelope|"
    "bare-signature|sbom|scan|vex|cosign-signature|cosign-attestation|buildkit-attestation|unknown"
)
TOP = {"schema": int, "kit": "[ -~]{1,100}", "collected-at": TIME, "release": dict}
SHAPES: dict[str, dict[str, Any]] = {
    "artifacts": {"name": NAME, "source": f"[^{HIDDEN}]{{1,2000}}", "member": "(artifacts|oci)/.+"},
    "evidence": {"kind": KIND, "name": NAME, "about": list,
                 "member": "(artifacts|evidence|oci)/.+"},
    "members": {"path": PATH, "size": int, "sha256": "[0-9a-f]{64}"},
}  # fmt: skip


def demand(*holds: object) -> None:
    if not all(holds):
        raise ValueError


def shaped(item: Any, shape: dict[str, Any]) -> None:
    demand(type(item) is dict and item.keys() == shape.keys())
    for key, form in shape.items():
        fits = type(item[key]) is (str if isinstance(form, str) else form)
        demand(fits and (form in (int, dict, list) or re.fullmatch(form, item[key], re.ASCII)))
    demand(len(item.get("name", "").encode()) <= 255, 0 <= item.get("size", 0) < 2**53)
    demand(all(type(path) is str for path in item.get("about", ())))


def manifest(raw: bytes) -> Any:
    demand(len(raw) <= 64 << 20, raw.count(b",") <= 4_000_000)
    top = json.loads(raw)
    shaped(top, TOP | dict.fromkeys(SHAPES, list))
    shaped(top["release"], {"name": WORD, "version": WORD})
    again = json.dumps(top, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    demand(again.encode() == raw, top["schema"] == 1, datetime.fromisoformat(top["collected-at"]))
    for key, shape in SHAPES.items():
        for number, item in enumerate(top[key]):
            demand(number < 200_000)
            shaped(item, shape)
    files, pieces, paths = top["artifacts"], top["evidence"], [m["path"] for m in top["members"]]
    keyed = [[a["source"], a["name"]] for a in files], [[e["member"], e["name"]] for e in pieces]
    for order in (paths[3:], *keyed, *(e["about"] for e in pieces)):
        demand(all(one < other for one, other in pairwise(order)))
    demand(paths[:3] == ["README.txt", "release.toml", "ledger.json"])
    demand(all(re.match("(artifacts|evidence|oci|trust)/", path) for path in paths[3:]))
    folders = {path.lower()[: slash.start()] for path in paths for slash in re.finditer("/", path)}
    demand(len({path.lower() for path in paths} - folders) == len(paths))
    artifacts, evidence = {a["member"] for a in files}, {e["member"] for e in pieces}
    demand(all(count <= 32 for count in Counter(a["member"] for a in files).values()))
    demand(artifacts | evidence | {path for e in pieces for path in e["about"]} <= set(paths))
    demand(all(path in artifacts for path in paths if path.startswith("artifacts/")))
    demand(all(path in evidence for path in paths if path.startswith("evidence/")))
    return top["members"]


def entry(path: str, content: bytes) -> bytes:
    folder, _, name = path.rpartition("/") if len(path) > 100 else ("", "", path)
    octal, large = b"%011o\0" % len(content), b"\x80" + len(content).to_bytes(11, "big")
    start = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
    start += (octal if len(octal) == 12 else large) + b"0" * 11 + b"\0"
    end = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2
    end += folder.encode().ljust(167, b"\0")
    checksum = b"%06o\0 " % (sum(start + end) + 8 * 0x20)
    return start + checksum + end + content + bytes(-len(content) % 512)


def read(path: Path) -> dict[str, bytes]:
    """Return all members of a pack by path, or raise ValueError."""
    pack = path.read_bytes()
    raw = pack[512 : 512 + int(pack[124:135] or b"no size", 8)]
    members, sums = manifest(raw), f"{hashlib.sha256(raw).hexdigest()}  manifest.json\n"
    sums += "".join(f"{member['sha256']}  {member['path']}\n" for member in members)
    found = {"manifest.json": raw, "SHA256SUMS": sums.encode()}
    due = b"".join(entry(*item) for item in found.items())
    for member in members:
        content = pack[len(due) + 512 :][: member["size"]]
        demand(len(content) == member["size"])
        demand(hashlib.sha256(content).hexdigest() == member["sha256"])
        found[member["path"]], due = content, due + entry(member["path"], content)
    demand(pack == due + bytes(1024))
    return found


TYPE = "application/vnd.airgap-kit.custody+json"
SEAL = {"payload": ".+", "payloadType": re.escape(TYPE), "signatures": list}
SIGNED = {"keyid": "sha256:[0-9a-f]{64}|openpgp:([0-9A-F]{40}|[0-9A-F]{64})", "sig": ".+"}
RECORD = {
    "schema": int, "pack": "[0-9a-f]{64}", "previous": "(|[0-9a-f]{64})",
    "role": "collected|handed-over|received", "note": f"[^{HIDDEN}]{{0,500}}",
    "at": r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
}  # fmt: skip


def canonical(raw: bytes) -> Any:
    value = json.loads(raw)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    demand(again.encode() == raw)
    return value


def octets(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    demand(raw, base64.b64encode(raw).decode() == text)
    return raw


def custody(raw: bytes, pack: str) -> list[tuple[str, bytes, bytes]]:
    """Return key, signature and signed bytes of each line beside a pack, or raise ValueError."""
    demand(0 < len(raw) <= 4 << 20, raw[-1:] == b"\n", raw.count(b"\n") <= 1000)
    found, before = [], None
    for line in raw[:-1].split(b"\n"):
        demand(len(line) <= 32 << 10)
        envelope = canonical(line + b"\n")
        shaped(envelope, SEAL)
        demand(len(envelope["signatures"]) == 1)
        shaped(signature := envelope["signatures"][0], SIGNED)
        said = canonical(record := octets(envelope["payload"]))
        demand(type(said) is dict, said.get("previous", "") != "")
        shaped(said | {"previous": said["previous"] or ""}, RECORD)
        demand(said["schema"] == 1, said["pack"] == pack, said["previous"] == before)
        demand(datetime.fromisoformat(said["at"]), before is None or said["role"] != "collected")
        signed = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(record), record)
        found.append((signature["keyid"], octets(signature["sig"]), signed))
        before = hashlib.sha256(line).hexdigest()
    return found

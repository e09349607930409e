"""A glance at a Sigstore bundle before it is verified: which digests it may compare.

Files are hashed before evidence is verified, and once, so somebody has to say by which
algorithms. Reading every bundle in full for that would be half the work of reading it. A
glance believes nothing and checks next to nothing: it names every algorithm that the
verifier may want, and perhaps one too many, which costs hashing and decides nothing.
"""

from __future__ import annotations

from kit.formats import encodings, statement, strictjson
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import HASHES, MAX_BYTES, MAX_ENTRIES, MAX_VALUES

_QUOTED = {algorithm: f'"{algorithm}"'.encode() for algorithm in encodings.DIGEST_BYTES}
_NAMED = {algorithm: f'"{name}"'.encode() for name, algorithm in HASHES.items()}


def algorithms(raw: bytes) -> frozenset[str]:
    """Return the digest algorithms that verifying a bundle may compare.

    Raises :class:`MalformedError`, and nothing else, for some of what is no bundle; the
    verifier refuses the rest.
    """
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES, max_values=MAX_VALUES))
    envelope = top.object("dsseEnvelope")
    if envelope is not None:
        return _of_statement(encodings.b64decode_either(envelope.needed_text("payload")))
    return _of_message(top)


def _of_statement(payload: bytes) -> frozenset[str]:
    if b"\\" in payload:  # a key may be written with escapes, and only a reader sees it then
        return statement.parse(payload).algorithms
    return _mentioned(payload)


def _of_message(top: Fields) -> frozenset[str]:
    """Return what the hint and the log entries say.

    A bundle with neither goes by its key, and the larger curves sign with the larger hashes.
    """
    hint = top.needed_object("messageSignature").object("messageDigest")
    entries = top.needed_object("verificationMaterial").objects("tlogEntries", MAX_ENTRIES)
    # An entry whose body is not canonical JSON is refused: these names have no escapes there.
    told = [entry.needed_octets("canonicalizedBody") for entry in entries]
    if hint is not None:
        told.append(f'"{hint.needed_text("algorithm")}"'.encode())
    return _mentioned(b" ".join(told)) or frozenset({"sha384", "sha512"})


def _mentioned(text: bytes) -> frozenset[str]:
    return frozenset(
        algorithm
        for algorithm in _QUOTED
        if _QUOTED[algorithm] in text or _NAMED[algorithm] in text
    )

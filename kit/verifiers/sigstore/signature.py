"""Steps 7 and 8: that the key signed these bytes, and that the log was told of this signature.

A bundle's signature is over an artifact, known here by its digests, or over the
pre-authentication encoding of an envelope. Every entry must name the same signer, the same
signature and the same bytes, or the log vouches for something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.errors import RejectedError, UnsupportedError
from kit.formats import dsse, log_entry
from kit.formats.log_entry_body import Logged, Signer
from kit.formats.sigstore_bundle import Bundle, MessageSignature
from kit.model import Digest
from kit.verifiers.sigstore import keys
from kit.verifiers.sigstore.keys import Key


def check_entry(logged: Logged, bundle: Bundle, signer: Signer) -> None:
    """Raise ``sigstore.entry`` unless the entry is about this bundle's signature and signer."""
    reason = log_entry.disagreement(logged, bundle.content, signer)
    if reason is not None:
        raise RejectedError(reason, code="sigstore.entry")


def check_envelope(envelope: dsse.Envelope, key: Key, entries: Sequence[Logged]) -> None:
    """Raise ``sigstore.signature`` unless the key signed the envelope."""
    pae = dsse.pae(envelope.payload_type, envelope.payload)
    told = {entry.signed.algorithm for entry in entries if entry.signed is not None}
    # An entry that names the hash binds it; else it is one of those used with the key.
    algorithms: Sequence[str | None] = sorted(told) or key.algorithms or (None,)
    sig = envelope.signatures[0].sig
    if not any(keys.holds(key, sig, pae, algorithm) for algorithm in algorithms):
        raise _rejected("the envelope")


def digest_wanted(bundle: Bundle, key: Key, entries: Sequence[Logged]) -> str:
    """Return the algorithm of the digest that a message signature is over."""
    if not key.algorithms:
        raise UnsupportedError(
            "an Ed25519 signature over bytes: it needs the bytes, and the kit keeps digests"
        )
    told = {entry.signed.algorithm for entry in entries if entry.signed is not None}
    hint = bundle.content.hint if isinstance(bundle.content, MessageSignature) else None
    if len(told) > 1:
        raise RejectedError("its log entries name different digests", code="sigstore.entry")
    if told:
        return told.pop()
    return key.algorithms[0] if hint is None else hint.algorithm


def check_message(
    bundle: Bundle, key: Key, entries: Sequence[Logged], known: Mapping[str, Digest]
) -> None:
    """Check a message signature against the file with the digests ``known``, by algorithm.

    Raises ``sigstore.digest`` where the hint beside the signature is another file's,
    ``sigstore.entry`` where a log entry is, ``sigstore.signature`` where the signature is.
    """
    content = bundle.content
    if not isinstance(content, MessageSignature):
        raise TypeError("not a message signature")
    hint = content.hint
    if hint is not None and known.get(hint.algorithm, hint) != hint:
        raise RejectedError(
            f"the signature is over {hint}, this file is {known[hint.algorithm]}",
            code="sigstore.digest",
            hint="the bundle belongs to another file, or the file was changed after signing",
        )
    digest = known.get(digest_wanted(bundle, key, entries))
    if digest is None:
        raise UnsupportedError("the signature is over a digest that was not computed")
    for entry in entries:
        if entry.signed != digest:
            raise RejectedError(
                f"the log entry is about {entry.signed}, this file is {digest}",
                code="sigstore.entry",
                hint="the bundle belongs to another file, or the file was changed after signing",
            )
    if not keys.holds_digest(key, content.signature, digest):
        raise _rejected("the file")


def _rejected(what: str) -> RejectedError:
    return RejectedError(
        f"the signature over {what} does not hold under the bundle's signer",
        code="sigstore.signature",
    )

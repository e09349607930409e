"""cosign's legacy signatures and attestations of images, verified as the bundles they are.

What a bundle leaves open is closed here: a signature is over a payload, and the payload
names the image by digest; an attestation's timestamp is over the whole envelope. As
everywhere, the log entry must be *this* signature's (CVE-2022-36056, CVE-2026-22703).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kit.errors import RejectedError
from kit.formats import cosign, encodings, log_entry
from kit.formats.cosign import SimpleSigning
from kit.model import Claim, Digest, EvidenceKind
from kit.verifiers.sigstore import SigstoreVerifier, VerifiedStatement
from kit.verifiers.sigstore.claims import Note


@dataclass(frozen=True, slots=True)
class VerifiedPayload:
    """A simple signing payload whose signature holds; ``over`` is the claim over its bytes."""

    payload: SimpleSigning
    over: Claim
    notes: tuple[Note, ...]

    def claim_for(self, evidence: str, known: Mapping[str, Digest]) -> Claim:
        """Return the claim about the image with these digests, or raise `RejectedError`."""
        if known.get("sha256") != self.payload.digest:
            raise RejectedError(
                f"the signature is for {self.payload.digest}"
                + (f" of {self.payload.reference[:200]}" if self.payload.reference else "")
                + ", which is another image",
                code="cosign.other-image",
            )
        return replace(
            self.over,
            kind=EvidenceKind.COSIGN_SIGNATURE,
            evidence=evidence,
            digest=self.payload.digest,
            names=(self.payload.reference,) if self.payload.reference else (),
        )


def verify_signature(
    verifier: SigstoreVerifier, payload: bytes, annotations: Mapping[str, str]
) -> VerifiedPayload:
    """Verify a layer of a ``.sig`` manifest: its blob, and the annotations that prove it.

    Raises what :meth:`SigstoreVerifier.verify` raises.
    """
    bundle = cosign.signature_bundle(payload, annotations)
    known = {name: encodings.digest_of(name, payload) for name in encodings.DIGEST_BYTES}
    verified = verifier.verify_parsed(bundle)
    over = verified.claim_for("", known)
    # Only now: nobody reads what nobody signed.
    return VerifiedPayload(cosign.parse_payload(payload), over, verified.notes)


def verify_attestation(
    verifier: SigstoreVerifier, raw: bytes, annotations: Mapping[str, str]
) -> VerifiedStatement:
    """Verify a layer of an ``.att`` manifest; its annotation of a predicate type is not read."""
    bundle = cosign.attestation_bundle(raw, annotations)
    verified = verifier.verify_parsed(bundle, stamped=raw)
    if not isinstance(verified, VerifiedStatement):
        raise TypeError("an envelope verifies to a statement")
    for entry in bundle.entries:
        logged = log_entry.parse(entry)
        # As cosign demands; and of intoto 0.0.1 it is all that names the signature.
        if logged.envelope is not None and logged.envelope != encodings.digest_of(
            logged.envelope.algorithm, raw
        ):
            raise RejectedError("the log entry is about another envelope", code="sigstore.entry")
    return verified

"""OpenPGP detached signatures, by keys that the policy pins."""

from kit.verifiers.openpgp.verifier import OpenPgpVerifier, Verified

__all__ = ["OpenPgpVerifier", "Verified"]

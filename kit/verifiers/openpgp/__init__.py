"""OpenPGP detached signatures, by keys that the policy pins."""

from kit.verifiers.openpgp.verifier import ExpiredKey, OpenPgpVerifier, Verified

__all__ = ["ExpiredKey", "OpenPgpVerifier", "Verified"]

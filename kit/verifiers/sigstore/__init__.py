"""Sigstore bundles of every form, verified twice: by the kit, and where it can by sigstore-python.

The modules are the steps of the Sigstore client specification (``verifier`` runs them in
its order): ``inclusion`` what a log promises and proves, ``times`` when, ``chain`` and
``leaf`` who, ``signature`` over what. ``second_opinion`` is the door to sigstore-python.
"""

from kit.verifiers.sigstore.claims import Verified, VerifiedStatement
from kit.verifiers.sigstore.verifier import SigstoreVerifier

__all__ = ["SigstoreVerifier", "Verified", "VerifiedStatement"]

"""What verifiers accept: who vouched for which digest, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kit.model.digest import Digest
from kit.model.pack import EvidenceKind
from kit.model.predicates import Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a signing certificate names, as the CA vouched for it.

    ``facts`` are the Fulcio extensions by their names in Fulcio's documentation
    (``source-repository-ref`` …), both for people and for requirements.
    """

    subject: str
    subject_type: str
    issuer: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Evidence that a verifier accepted: this signer vouched for this digest then.

    ``names`` are the names the signed bytes give the digest (in-toto subjects, a digest
    manifest's line); empty when the signature is over the bare bytes. ``listed_in`` is the
    digest manifest the claim came through, if any. ``accepted_by`` names the verifiers.
    ``signed_at`` is ``None`` only where a key signed and nothing vouches for the time.
    ``predicate`` is what a signed predicate, or a document that the claim came through,
    says; ``predicate_json`` all of the predicate, kept only where the policy asks for it.

    ``document`` is there where the claim came through a document beside the artifact (an
    SBOM, a scan, a VEX document) whose bytes the signer signed: the name that the signed
    evidence gives it, empty where it gives none. Such a claim names no artifact. It is about
    one whose digest the document gives (``predicate.about`` then has the claim's digest),
    else only about one for which the policy names the document.

    ``predicate_of`` is there where the file is a copy of what was attested of another artifact:
    that one's name. ``names`` are then empty, as what was signed names only that one.

    ``completed_from`` is there where the log's proof was added while collecting: the member of
    the signature as it was published.
    """

    kind: EvidenceKind
    evidence: str
    instance: str
    digest: Digest
    identity: Identity
    signed_at: datetime | None
    accepted_by: tuple[str, ...]
    names: tuple[str, ...] = ()
    predicate_type: str | None = None
    listed_in: str | None = None
    log: Mapping[str, str] = field(default_factory=dict)
    predicate: Predicate | None = None
    predicate_json: str | None = None
    document: str | None = None
    predicate_of: str | None = None
    completed_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """An accepted digest manifest that lists a file under another digest, and who signed it."""

    over: Claim
    message: str

"""npm: what a registry signs with its keys, and what an attestation there must be about.

Three things are verified, under keys that this host holds:

* registry signatures, over ``name@version:integrity`` as the packument has it. They carry
  no time. A key whose time is over signs nothing, unless the policy accepts what the
  registry says it published before: its word, which nobody signed;
* publish attestations, bundles by such a key. The log's time must lie in the key's;
* of either and of provenance: one subject, named by a package URL, with a SHA-512.

A signature that a key of this host made, and that is about other bytes of the same name
and version, contradicts the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from kit.errors import EvidenceError, RejectedError
from kit.formats import npm_attestations, npm_package
from kit.formats.encodings import render_time
from kit.formats.npm_keys import ATTESTATIONS, SIGNATURES, NpmKey
from kit.formats.npm_package import NpmPackage
from kit.formats.npm_packument import Published
from kit.model import Claim, Digest, EvidenceKind, Identity
from kit.trust.npm_keys import NpmKeyring
from kit.verifiers.sigstore import keys
from kit.verifiers.sigstore.claims import Verified, VerifiedStatement

#: Who vouches for registry signatures: no instance of Sigstore.
INSTANCE = "npm"
_OWN_NAME = "airgap-kit"
#: Digest algorithms that bind an attestation to a tarball.
_NEEDED = "sha512"


@dataclass(frozen=True, slots=True)
class _Row:
    """A key of this host, loaded: of which file, and what it is named by in claims."""

    path: str
    key: NpmKey
    loaded: keys.Key = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "loaded", keys.load(self.key.der))

    @property
    def subject(self) -> str:
        return f"sha256:{hashlib.sha256(self.key.der).hexdigest()}"


class RegistryKeys:
    """The registry keys that a policy names, as of a host's time."""

    def __init__(
        self,
        keyrings: Sequence[NpmKeyring],
        at: datetime,
        accept_expired: frozenset[str] = frozenset(),
    ) -> None:
        """Load the keys; ``accept_expired`` are paths of files whose ended keys count."""
        self._at = at
        self._accept_expired = accept_expired
        self._rows = [_Row(ring.path, key) for ring in keyrings for key in ring.keys]

    @property
    def for_attestations(self) -> frozenset[bytes]:
        """The keys that publish attestations may be signed with, in DER."""
        return frozenset(row.key.der for row in self._rows if ATTESTATIONS in row.key.uses)

    # ---- registry signatures

    def verify(self, published: Published) -> Signed:
        """Verify the registry's signatures over a version; raise :class:`EvidenceError`.

        Each by a key of this host must hold, and one must be by such a key whose time it is.
        """
        if published.digest is None:
            raise RejectedError(
                "what the registry signed has no digest but SHA-1, which proves nothing",
                code="npm.weak-digest",
            )
        found: list[_Row] = []
        for signature in published.signatures:
            rows = self._named(signature.keyid)  # two registries may have keys of one id
            holding = [r for r in rows if keys.holds(r.loaded, signature.sig, published.signed)]
            if rows and not holding:
                raise RejectedError(
                    f"the registry's signature over {published.package} does not hold: name, "
                    "version or integrity is another than was signed, or the key is",
                    code="npm.signature",
                )
            found += holding
        if not found:
            named = ", ".join(each.keyid for each in published.signatures[:4])
            raise RejectedError(
                f"it is signed by {named or 'nobody'}, no key of the policy",
                code="npm.unknown-key",
                hint="where the registry has a newer key, get its keys again from its owner",
            )
        timely = [row for row in found if self._may_have_signed(row, published.claimed)]
        if not timely:
            raise self._over(found[0], published.claimed)
        return Signed(published=published, digest=published.digest, rows=tuple(timely), at=self._at)

    def _named(self, keyid: str) -> list[_Row]:
        return [row for row in self._rows if row.key.keyid == keyid and SIGNATURES in row.key.uses]

    def _may_have_signed(self, row: _Row, claimed: datetime | None) -> bool:
        if not row.key.is_over(self._at):
            # A registry signs what it had long before its key: only the end is asked.
            return row.key.start is None or self._at >= row.key.start
        accepted = row.path in self._accept_expired
        return accepted and claimed is not None and not row.key.is_over(claimed)

    def _over(self, row: _Row, claimed: datetime | None) -> RejectedError:
        if row.key.end is None or not row.key.is_over(self._at):
            return RejectedError(
                f"the time of the key {row.key.keyid} has not begun on this host",
                code="clock.behind",
                hint="check the clock of this host",
            )
        told = (
            ""
            if claimed is None
            else f" The registry says it published it at {render_time(claimed)}."
        )
        return RejectedError(
            f"the time of the key {row.key.keyid} ended at {render_time(row.key.end)}, and nobody "
            "signed when it made this",
            code="npm.key-expired",
            hint=f"whoever has that key now can sign any version.{told} accept-expired = true "
            "takes its word; a publish attestation has the log's time",
        )

    # ---- attestations

    def vouching(self, claim: Claim, verified: Verified) -> Mapping[str, str]:
        """Return the facts of a claim by a registry's key: its files, its id, the registry.

        Raises :class:`RejectedError` where the key is none of a registry's, where it was not
        its time, or where the statement is not what a registry attests.
        """
        rows = [
            row
            for row in self._rows
            if ATTESTATIONS in row.key.uses and row.subject == claim.identity.subject
        ]
        if not rows:
            raise RejectedError("it is by no key of a registry", code="npm.unknown-key")
        registry = _publish(verified)
        timely = [row for row in rows if self._was_its_time(row, claim.signed_at)]
        if not timely:
            raise _out_of_time(rows[0], claim.signed_at)
        return {
            "key": ", ".join(dict.fromkeys(row.path for row in timely)),
            "key-id": timely[0].key.keyid,
            "registry": registry,
        }

    def _was_its_time(self, row: _Row, signed_at: datetime | None) -> bool:
        return row.key.was_for(self._at if signed_at is None else signed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A version whose registry signature holds by keys of this host, as of the time ``at``."""

    published: Published
    digest: Digest
    rows: tuple[_Row, ...]
    at: datetime

    def claims_for(self, evidence: str, known: Mapping[str, Digest]) -> Iterator[Claim]:
        """Yield the claim of each key about the file with these digests.

        Raises :class:`RejectedError`: ``digest.mismatch`` where the registry signed other bytes.
        """
        signed = self.digest
        if known.get(signed.algorithm) != signed:
            raise RejectedError(
                f"the registry signed {self.published.package} as {signed}, this file is "
                f"{known.get(signed.algorithm, known['sha256'])}",
                code="digest.mismatch",
                hint="the file is not the one that the registry published",
            )
        yield from self.over(evidence, known)

    def over(self, evidence: str, known: Mapping[str, Digest]) -> Iterator[Claim]:
        """Yield a claim of each key, whatever the file: who it is that signed.

        A key that is over by one file and not by another makes two: a signer of the policy
        names one of the files.
        """
        by_subject: dict[tuple[str, bool], list[_Row]] = {}
        for row in self.rows:
            by_subject.setdefault((row.subject, row.key.is_over(self.at)), []).append(row)
        for (subject, _), rows in by_subject.items():
            yield Claim(
                kind=EvidenceKind.NPM_PACKUMENT,
                evidence=evidence,
                instance=INSTANCE,
                digest=known["sha256"],
                identity=Identity(
                    subject=subject, subject_type="key", issuer="", facts=self._facts(rows)
                ),
                signed_at=None,
                accepted_by=(_OWN_NAME,),
                names=(self.published.package.purl,),
            )

    def _facts(self, rows: Sequence[_Row]) -> dict[str, str]:
        facts = {
            "key": ", ".join(dict.fromkeys(row.path for row in rows)),
            "key-id": rows[0].key.keyid,
        }
        if rows[0].key.is_over(self.at):
            facts["key-expired"] = "true"
        if self.published.claimed is not None:
            facts["claimed-time"] = render_time(self.published.claimed)
        return facts


def _publish(verified: Verified) -> str:
    """Return the registry that a publish attestation names, its statement being whole."""
    package = package_of(verified)
    statement = verified.statement if isinstance(verified, VerifiedStatement) else None
    if statement is None or statement.predicate_type != npm_attestations.PUBLISH:
        raise RejectedError(
            "a registry attests with its key that it published a version, and nothing else",
            code="npm.publish",
        )
    said = statement.predicate
    if not isinstance(said, dict):
        raise RejectedError("its predicate is no object", code="npm.publish")
    if (said.get("name"), said.get("version")) != (package.name, package.version):
        raise RejectedError(
            f"its subject is {package}, and its predicate says {str(said.get('name'))[:120]!r} "
            f"{str(said.get('version'))[:80]!r}",
            code="npm.publish",
        )
    registry = said.get("registry")
    if not isinstance(registry, str) or not registry or len(registry) > 1000:
        raise RejectedError("its predicate names no registry", code="npm.publish")
    return registry


def _out_of_time(row: _Row, signed_at: datetime | None) -> RejectedError:
    key = row.key
    began = "" if key.start is None else f" from {render_time(key.start)}"
    ended = "" if key.end is None else f" until {render_time(key.end)}"
    when = "nothing vouches for when" if signed_at is None else f"at {render_time(signed_at)}"
    return RejectedError(
        f"the key {key.keyid} signs{began}{ended}, and this was signed {when}",
        code="npm.key-expired" if signed_at is None else "npm.key-time",
    )


# ---- what attestations are about


def package_of(verified: Verified) -> NpmPackage:
    """Return the package that an npm attestation is about; raise ``statement.subject``."""
    if not isinstance(verified, VerifiedStatement):
        raise _refused("an attestation signs a statement")
    subjects = verified.statement.subjects
    if len(subjects) != 1:
        raise _refused(f"the statement has {len(subjects)} subjects, not one")
    name = subjects[0].name or "(no name)"
    package = npm_package.parse_purl(name)
    if package is None:
        raise _refused(f"its subject {name[:120]} is no package URL of npm")
    if not any(digest.algorithm == _NEEDED for digest in subjects[0].digests):
        raise _refused("its subject has no SHA-512")
    return package


def claim_for(
    verified: Verified, evidence: str, known: Mapping[str, Digest], name: str | None
) -> Claim:
    """Return the claim that an attestation of a registry's makes about a file.

    ``name`` is the file's. Raises :class:`RejectedError`, as ``digest.mismatch`` where the
    attestation is about other bytes of the version that the file is named after.
    """
    package = package_of(verified)
    try:
        claim = verified.claim_for(evidence, known)
    except EvidenceError as error:
        if error.code == "statement.subject" and package.tarball == name:
            raise RejectedError(
                f"it attests other bytes as {package} than this file's",
                code="digest.mismatch",
                hint="the file is not the one that was published under this name and version",
            ) from error
        raise
    return replace(claim, kind=EvidenceKind.NPM_ATTESTATIONS)


def _refused(why: str) -> RejectedError:
    return RejectedError(why, code="statement.subject")

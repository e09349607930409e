"""One instance's verifier: the steps of the client specification, in its order.

The numbers in comments are those of the specification (architecture-docs, client-spec.md
4.2 to 4.5): 1 parse, 2 times, 3 chain, 4 leaf, 5 identity, 6 transparency, 7 signature,
8 entry, 9 statement. Each raises; none returns a maybe. Times are those of signing: the
host's clock is asked only whether they are over already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from kit.errors import RejectedError, UnsupportedError
from kit.formats import certificate, sigstore_bundle
from kit.formats.dsse import Envelope
from kit.formats.encodings import render_time
from kit.formats.log_entry_body import Signer
from kit.formats.sigstore_bundle import Bundle
from kit.model import Identity
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import keys, logs, signature
from kit.verifiers.sigstore.chain import Candidate, CertificateAuthorities, Chain
from kit.verifiers.sigstore.claims import Facts, Note, Verified
from kit.verifiers.sigstore.content import Pending, verified_later, verified_statement
from kit.verifiers.sigstore.entries import Entry, check_distinct, check_generations
from kit.verifiers.sigstore.keys import Key
from kit.verifiers.sigstore.leaf import check_profile, check_scts
from kit.verifiers.sigstore.quiet import quiet
from kit.verifiers.sigstore.second_opinion import SecondOpinion
from kit.verifiers.sigstore.times import LOG, STAMP, Time, TimestampAuthorities

#: How far a signing time may lie ahead of the host's clock.
CLOCK_SKEW = timedelta(minutes=5)

_OF_ROOTS_AGE = frozenset(
    {"sigstore.chain", "sigstore.ca-window", "sigstore.log-key", "sigstore.sct"}
)


class SigstoreVerifier:
    """Verifies bundles of one instance, as of one host time. Set up once, used for many.

    ``public_keys`` (SubjectPublicKeyInfo, DER) are the keys that keyed bundles may be signed
    with; ``require_log`` says whether such a bundle must be logged. Bundles with
    certificates must be wherever the instance lists a log.
    """

    def __init__(
        self,
        anchor: Anchor,
        at: datetime,
        *,
        public_keys: Sequence[bytes] = (),
        require_log: bool = True,
    ) -> None:
        """Load the instance's trusted root."""
        self._anchor = anchor
        self._root = anchor.root
        self._at = at
        self._keys = tuple(keys.load(key) for key in public_keys)
        self._require_log = require_log
        self._tlogs = logs.load(self._root.tlogs)
        self._ctlogs = logs.load(self._root.ctlogs)
        self._authorities = CertificateAuthorities(self._root.certificate_authorities)
        self._stampers = TimestampAuthorities(self._root.timestamp_authorities)
        self._second: SecondOpinion | None = None

    def verify(self, raw: bytes) -> Verified:
        """Verify what can be verified without an artifact, and return the rest to ask for.

        Raises :class:`MalformedError`, :class:`UnsupportedError` or :class:`RejectedError`.
        """
        return self.verify_parsed(sigstore_bundle.parse(raw))  # 1

    def verify_parsed(self, bundle: Bundle, *, stamped: bytes | None = None) -> Verified:
        """Do the same with a bundle that came in another form.

        ``stamped`` are the bytes that its timestamps are over; ``None`` for its signature.
        """
        with quiet():
            return self._verified(bundle, _signature_of(bundle) if stamped is None else stamped)

    def _verified(self, bundle: Bundle, stamped: bytes) -> Verified:
        if bundle.key_hint is not None and not self._keys:
            raise UnsupportedError("it is signed with a key, and no key is given for it")
        # Whose instance is it: of 3, what needs no time.
        paths = self._authorities.candidates(bundle.certificates) if bundle.certificates else ()
        self._demand_log(bundle)
        entries = tuple(Entry.of(entry, self._tlogs) for entry in bundle.entries)
        check_distinct(entries)
        check_generations(entries)
        times, notes = self._times(bundle, entries, stamped)  # 2
        try:
            return self._verify(bundle, paths, entries, times, notes)
        except RejectedError as error:
            self._explain(error, times)
            raise

    def _verify(
        self,
        bundle: Bundle,
        paths: Sequence[Candidate],
        entries: tuple[Entry, ...],
        times: Sequence[Time],
        notes: tuple[Note, ...],
    ) -> Verified:
        moments = tuple(time.moment for time in times)
        leaf = None
        if bundle.key_hint is None:
            chain = self._authorities.holding(paths, times)  # 3
            leaf = chain.leaf
            signers = [self._certified(chain)]  # 4, 5
        else:
            signers = self._given(entries)
        found = [entry.check_inclusion(bundle.version, moments) for entry in entries]  # 6
        notes += tuple(note for remarks in found for note in remarks)
        for entry in entries:  # 8, but for an artifact's digest
            signature.check_entry(entry.logged, bundle, _signer(bundle, signers[0][0]))
        pending = Pending(
            bundle=bundle,
            leaf=leaf,
            root=self._root,
            logged=tuple(entry.logged for entry in entries),
            signers=tuple(
                (key, self._facts(identity, entries, times, notes)) for key, identity in signers
            ),
            stamps=tuple(time for time in times if time.source == STAMP),
            second=self._second_opinion,
        )
        if isinstance(bundle.content, Envelope):
            return verified_statement(pending, bundle.content)  # 7, 9
        return verified_later(pending)

    def _facts(
        self,
        identity: Identity,
        entries: Sequence[Entry],
        times: Sequence[Time],
        notes: tuple[Note, ...],
    ) -> Facts:
        logged = [time.moment for time in times if time.source == LOG]
        stamped = [time.moment for time in times if time.source == STAMP]
        return Facts(
            instance=self._anchor.instance,
            identity=identity,
            signed_at=min(logged or stamped, default=None),
            log=entries[0].facts() if entries else {},
            notes=notes,
        )

    def _second_opinion(self) -> SecondOpinion:
        if self._second is None:
            self._second = SecondOpinion(self._anchor.instance, self._root)
        return self._second

    # ---- 2: times ----------------------------------------------------------------

    def _demand_log(self, bundle: Bundle) -> None:
        demanded = self._require_log if bundle.key_hint is not None else self._root.lists_tlogs
        if demanded and not bundle.entries:
            raise RejectedError(
                "it is in no transparency log, and one is demanded",
                code="sigstore.no-log",
                hint="it was signed with the log turned off, or for an instance that has none "
                "(then the signer's trusted-root is another), or when the log did not answer. Its "
                "publisher must sign again, and publish the bundle with its entry",
            )

    def _times(
        self, bundle: Bundle, entries: Sequence[Entry], stamped: bytes
    ) -> tuple[list[Time], tuple[Note, ...]]:
        """Return every verified time; all of them must pass what follows."""
        times = [
            Time(moment=entry.promised, source=LOG)
            for entry in entries
            if entry.promised is not None
        ]
        notes: list[Note] = []
        if len(set(bundle.timestamps)) != len(bundle.timestamps):
            raise RejectedError("it has the same timestamp twice", code="sigstore.timestamp")
        for stamp in bundle.timestamps:
            moment = self._stampers.time_of(stamp, stamped)
            if moment is None:
                notes.append(
                    Note(code="sigstore.timestamp", message="a timestamp is of no TSA of the root")
                )
            else:
                times.append(Time(moment=moment, source=STAMP, stamp=stamp))
        if not times and bundle.key_hint is None:
            raise RejectedError(
                "nothing that the trusted root vouches for says when it was signed",
                code="sigstore.time",
            )
        for time in times:
            self._check_clock(time.moment)
        return times, tuple(notes)

    def _check_clock(self, moment: datetime) -> None:
        if moment <= self._at + CLOCK_SKEW:
            return
        before = (
            f"; the trusted root begins at {render_time(self._root.oldest)}, so the clock is wrong"
            if self._at < self._root.oldest
            else ""
        )
        raise RejectedError(
            f"signed at {render_time(moment)}, after this host's time "
            f"{render_time(self._at)}{before}",
            code="clock.behind",
            hint="check the clock of this host; an artifact cannot come from its future",
        )

    # ---- 3, 4, 5: who --------------------------------------------------------------

    def _certified(self, chain: Chain) -> tuple[Key, Identity]:
        """Return the key that the instance certified, and whose it is."""
        check_profile(chain.leaf)
        if self._root.lists_ctlogs:
            check_scts(chain, self._ctlogs)
        # GitHub's certificate for releases names no issuer; of an instance without logs only.
        needs_issuer = self._root.lists_tlogs
        return keys.of_certificate(chain.leaf), certificate.identity(
            chain.leaf, needs_issuer=needs_issuer
        )

    def _given(self, entries: Sequence[Entry]) -> list[tuple[Key, Identity]]:
        """Return the given keys that may have signed it: those that every entry names."""
        logged = [entry.logged.signer for entry in entries]
        fitting = [
            key
            for key in self._keys
            if all(signer == Signer(der=key.spki, is_certificate=False) for signer in logged)
        ]
        if not fitting:
            raise RejectedError(
                "the log entry names another public key than the one given", code="sigstore.entry"
            )
        return [
            (key, Identity(subject=f"sha256:{key.fingerprint}", subject_type="key", issuer=""))
            for key in fitting
        ]

    def _explain(self, error: RejectedError, times: Sequence[Time]) -> None:
        """Say so where the trusted root is older than what it is asked to vouch for."""
        newest = self._root.newest
        if error.code in _OF_ROOTS_AGE and any(time.moment > newest for time in times):
            error.hint = error.hint or (
                f"the newest part of this trusted root is of {render_time(newest)}, older than "
                "the signature: a newer trusted root may know its signer"
            )


def _signer(bundle: Bundle, key: Key) -> Signer:
    """Return how a log entry must name the bundle's signer."""
    if bundle.key_hint is not None:
        return Signer(der=key.spki, is_certificate=False)
    return Signer(der=bundle.certificates[0], is_certificate=True)


def _signature_of(bundle: Bundle) -> bytes:
    """Return the bytes that timestamps are over."""
    content = bundle.content
    return content.signatures[0].sig if isinstance(content, Envelope) else content.signature

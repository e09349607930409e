"""What a caller may ask of a bundle, checked before anything is signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypedDict

from tests.lab.content import Content, Envelope, Message
from tests.lab.encoding import HASH_NAMES
from tests.lab.extensions import EXTENSIONS, Overrides
from tests.lab.keys import KEY_TYPES
from tests.lab.spoils import ALL_SPOILS

AT = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
IDENTITY = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0"
ISSUER = "https://token.actions.githubusercontent.com"

VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        "0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "0.3-old": "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "0.3": "application/vnd.dev.sigstore.bundle.v0.3+json",
    }
)


# What an entry has of the content unless its form lacks it.
_LOGGED = frozenset({"logged-signature", "logged-payload"})

REKORS: Mapping[str, str] = MappingProxyType(
    {"v1": "promises, and tells the time", "v2": "neither, so that a timestamp comes with it"}
)


@dataclass(frozen=True, slots=True)
class Form:
    """A rarer kind of bundle, with nothing wrong: the parts it lacks, has more, and needs."""

    why: str
    lacks: frozenset[str] = frozenset()
    gives: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


def _form(why: str, *needs: str, lacks: str = "", gives: str = "") -> Form:
    return Form(
        why,
        lacks=frozenset(lacks.split()),
        gives=frozenset(gives.split()),
        needs=frozenset(needs),
    )


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "promise-only": _form(
            "a promise and no inclusion proof, as v0.1 allows",
            "promise",
            lacks="proof checkpoint",
        ),
        "no-checkpoint": _form(
            "an inclusion proof without a checkpoint, as v0.1 allows", "proof", lacks="checkpoint"
        ),
        "keyed": _form(
            "the hint of a public key in place of a certificate",
            lacks="certificate sct",
            gives="key",
        ),
        "no-log": _form("no log entry", lacks="entry promise v1 v2 proof checkpoint"),
        "two-entries": _form("the signature logged in two shards of the log", "entry", "v1"),
        "dsse-0.0.2": _form(
            "an envelope logged as early Rekor v2 was told of it", "envelope", "v2"
        ),
        "intoto": _form("an envelope logged as intoto 0.0.2", "envelope", "v1", gives="intoto"),
        "intoto-0.0.1": _form(
            "an envelope logged as intoto 0.0.1, which does not have its signature",
            "envelope",
            "v1",
            lacks="logged-signature",
            gives="intoto",
        ),
        "intoto-0.0.1-bare": _form(
            "the same without the payload's hash: the envelope's is all it has",
            "envelope",
            "v1",
            lacks="logged-signature logged-payload",
            gives="intoto logged-envelope",
        ),
        "timestamp": _form("a timestamp of the instance's TSA", "tsa", gives="timestamp"),
        "timestamp-bare": _form("a timestamp that embeds no certificate", "tsa", gives="timestamp"),
        "timestamp-sha384": _form("a timestamp of a SHA-384 imprint", "tsa", gives="timestamp"),
        "timestamp-sha512": _form("a timestamp of a SHA-512 imprint", "tsa", gives="timestamp"),
        "timestamp-signing-time": _form(
            "a timestamp with the attribute signing-time", "tsa", gives="timestamp"
        ),
        "timestamp-ess-v1": _form(
            "a timestamp that names its certificate by SHA-1, as RFC 3161 had it",
            "tsa",
            gives="timestamp",
        ),
        "timestamp-ess-both": _form(
            "the same by SHA-1 and by SHA-512, with issuer and number", "tsa", gives="timestamp"
        ),
        "two-timestamps": _form("timestamps of two TSAs", "two-tsas", gives="timestamp"),
        "twice-stamped": _form(
            "two timestamps of one TSA, a second apart: that is one witness",
            "tsa",
            gives="timestamp",
        ),
        "no-promise": _form(
            "an entry of Rekor v1 with a proof alone, timed by a timestamp",
            "v1",
            "proof",
            "timestamp",
            lacks="promise",
        ),
        "two-logs": _form("the signature in Rekor v1 and in Rekor v2", "v1", "tiles"),
        "cosigned": _form("a checkpoint with the lines of two witnesses", "v2"),
        "rsa-sct": _form("an SCT of a CT log with an RSA key", "sct", "rsa-ctlog"),
        "two-scts": _form("SCTs of two CT logs", "sct", "rsa-ctlog"),
        "release": _form(
            "the yearly certificate with which GitHub signs what is in a release",
            "envelope",
            "certificate",
            "github",
        ),
    }
)


class Options(TypedDict, total=False):
    """The options of every signing call; what is left out is as in `Order`."""

    identity: str
    issuer: str
    at: datetime
    extensions: Overrides
    key: str
    key_type: str
    algorithm: str | None
    rekor: str
    version: str | None
    form: str | None
    spoil: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A checked order.

    ``at`` is when the log integrates the entry and the TSA stamps the signature, ``key`` the
    name of a keyed signer, ``algorithm`` the hash that is signed if not that of the key's type,
    and ``form`` one or several forms joined by ``+``. Raises `ValueError` for what does not exist.
    """

    identity: str = IDENTITY
    issuer: str = ISSUER
    at: datetime = AT
    extensions: Overrides = field(default_factory=dict)
    key: str = "release"
    key_type: str = "p256"
    algorithm: str | None = None
    rekor: str = "v1"
    version: str | None = None
    form: str | None = None
    spoil: str | None = None

    def __post_init__(self) -> None:
        """Refuse every name that is not known, and times that no log could give."""
        _known("version", VERSIONS, [] if self.version is None else [self.version])
        _known("form", FORMS, sorted(self.forms))
        _known("spoil", ALL_SPOILS, [] if self.spoil is None else [self.spoil])
        _known("extension", EXTENSIONS, self.extensions)
        _known("key type", KEY_TYPES, [self.key_type])
        _known("algorithm", HASH_NAMES, [self.hashed_with])
        _known("rekor", REKORS, [self.rekor])
        if self.at.tzinfo is None or self.at.microsecond:
            raise ValueError(f"not a whole second in a time zone: {self.at!r}")

    @property
    def forms(self) -> frozenset[str]:
        """Return the names of the forms, which may be none."""
        return frozenset() if self.form is None else frozenset(self.form.split("+"))

    @property
    def hashed_with(self) -> str:
        """Return the name of the hash that is signed."""
        return self.algorithm or KEY_TYPES[self.key_type].algorithm

    def parts(
        self, content: Content, usual: frozenset[str], services: frozenset[str]
    ) -> frozenset[str]:
        """Return what the bundle will have, of an instance with these parts and services.

        Raises `ValueError` for wishes that do not go together.
        """
        parts = usual | services | {_part(content), self.key_type} | _LOGGED
        wishes = [(f"form {name!r}", FORMS[name].needs) for name in sorted(self.forms)]
        if self.spoil is not None:
            wishes.append((f"spoil {self.spoil!r}", ALL_SPOILS[self.spoil].needs))
        if self.rekor == "v2":
            wishes.append(("Rekor v2", frozenset({"entry", "tiles"})))
            parts = parts - {"v1", "promise"} | {"v2", "timestamp"}
        if self.key_type == "ed25519":
            wishes.append(("an Ed25519 key", frozenset({"envelope"})))
        for name in self.forms:
            parts |= FORMS[name].gives
        for name in self.forms:
            parts -= FORMS[name].lacks
        if parts & {"promise", "timestamp"}:
            parts |= {"time"}
        for wish, needs in wishes:
            if not needs <= parts:
                raise ValueError(f"{wish} needs a bundle with {', '.join(sorted(needs - parts))}")
        if self.key_type == "ed25519" and self.rekor == "v2":
            # Its entries have the hash of what is signed, and pure Ed25519 signs no hash.
            raise ValueError("Rekor v2 does not log pure Ed25519")
        return parts


def media_version(order: Order, parts: frozenset[str]) -> str:
    """Return the version asked for, else the newest that allows what the bundle lacks."""
    if order.version is not None:
        return order.version
    return "0.1" if "entry" in parts and "checkpoint" not in parts else "0.3"


def _part(content: Content) -> str:
    match content:
        case Message():
            return "message"
        case Envelope():
            return "envelope"


def _known(kind: str, table: Mapping[str, object], names: Iterable[str]) -> None:
    for name in names:
        if name not in table:
            raise ValueError(f"no such {kind}: {name!r} (there are {', '.join(table)})")

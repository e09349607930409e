"""What a caller may ask of a bundle, checked before anything is signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypedDict

from tests.lab.content import Content, Envelope, Message
from tests.lab.extensions import EXTENSIONS, Overrides
from tests.lab.spoils import SPOILS

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


@dataclass(frozen=True, slots=True)
class Form:
    """A rarer kind of bundle, with nothing wrong: the parts it lacks, and those it still needs."""

    why: str
    lacks: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "promise-only": Form(
            "a promise and no inclusion proof, as v0.1 allows",
            lacks=frozenset({"proof", "checkpoint"}),
            needs=frozenset({"entry"}),
        ),
        "no-checkpoint": Form(
            "an inclusion proof without a checkpoint, as v0.1 allows",
            lacks=frozenset({"checkpoint"}),
            needs=frozenset({"proof"}),
        ),
        "keyed": Form(
            "the hint of a public key in place of a certificate", lacks=frozenset({"certificate"})
        ),
        "no-log": Form("no log entry", lacks=frozenset({"entry", "proof", "checkpoint"})),
        "two-entries": Form(
            "the signature logged in two shards of the log", needs=frozenset({"entry"})
        ),
        "intoto": Form(
            "an envelope logged as intoto 0.0.2", needs=frozenset({"envelope", "entry"})
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
    version: str | None
    form: str | None
    spoil: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A checked order.

    ``at`` is when the log integrates the entry, ``key`` the name of a keyed signer, and
    ``form`` one or several forms joined by ``+``. Raises `ValueError` for what does not exist.
    """

    identity: str = IDENTITY
    issuer: str = ISSUER
    at: datetime = AT
    extensions: Overrides = field(default_factory=dict)
    key: str = "release"
    version: str | None = None
    form: str | None = None
    spoil: str | None = None

    def __post_init__(self) -> None:
        """Refuse every name that is not known, and times that no log could give."""
        _known("version", VERSIONS, [] if self.version is None else [self.version])
        _known("form", FORMS, sorted(self.forms))
        _known("spoil", SPOILS, [] if self.spoil is None else [self.spoil])
        _known("extension", EXTENSIONS, self.extensions)
        if self.at.tzinfo is None or self.at.microsecond:
            raise ValueError(f"not a whole second in a time zone: {self.at!r}")

    @property
    def forms(self) -> frozenset[str]:
        """Return the names of the forms, which may be none."""
        return frozenset() if self.form is None else frozenset(self.form.split("+"))

    def parts(self, content: Content) -> frozenset[str]:
        """Return what the bundle will have.

        Raises `ValueError` for wishes that do not go together.
        """
        parts = frozenset({"certificate", "entry", "proof", "checkpoint", _part(content)})
        wishes = [(f"form {name!r}", FORMS[name].needs) for name in sorted(self.forms)]
        if self.spoil is not None:
            wishes.append((f"spoil {self.spoil!r}", SPOILS[self.spoil].needs))
        for name in self.forms:
            parts -= FORMS[name].lacks
        for wish, needs in wishes:
            if not needs <= parts:
                raise ValueError(f"{wish} needs a bundle with {', '.join(sorted(needs - parts))}")
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

"""What can go wrong, by whose move it is.

Every error the kit raises on purpose is a :class:`KitError`. Its class says who
must act; its ``code`` is stable, documented and what tests and reports compare;
its message is for people: lower case, no full stop, with the value that is wrong.

::

    KitError
    ├── UsageError        the operator: arguments, release file, a path that is not there
    ├── PackError         the pack's maker or carrier: damaged, not as its manifest says
    ├── AnchorError       the checking host: a trust anchor is missing or unusable
    ├── MachineError      the machine: network, registry, disk, unreadable medium
    └── EvidenceError     whoever made the evidence
        ├── MalformedError    it cannot be read as what it says it is
        ├── UnsupportedError  it is readable, but in a form this kit does not verify
        └── RejectedError     it was understood and does not hold
            └── ForeignError      nobody of this instance issued it: another may have

``kit.cli.status`` turns the class into an exit status; nothing here knows one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a pack: which member or part, and how."""

    code: str
    subject: str
    message: str


class KitError(Exception):
    """An error that the kit raises on purpose.

    ``subject`` is the file, member or key it is about; ``hint`` says what to do next.
    """

    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        subject: str | None = None,
        hint: str | None = None,
    ) -> None:
        """Keep what happened apart from what to do about it."""
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.subject = subject
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error cross from one process to another with all that it says."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[KitError], arguments: tuple[Any, ...], told: dict[str, Any]) -> KitError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(told)
    return error


class UsageError(KitError):
    """The command, its arguments or the release file are wrong."""

    default_code = "usage"


class PackError(KitError):
    """The pack is damaged, malformed, or not as its manifest says.

    ``faults`` lists everything found; the message is about the first of them.
    """

    default_code = "pack.malformed"

    def __init__(self, message: str, *, code: str, subject: str, hint: str | None = None) -> None:
        """Describe a single fault; :meth:`of` makes one error of several."""
        super().__init__(message, code=code, subject=subject, hint=hint)
        self.faults: tuple[Fault, ...] = (Fault(code=code, subject=subject, message=message),)

    @classmethod
    def of(cls, faults: tuple[Fault, ...]) -> PackError:
        """Make one error of at least one fault, in their order."""
        first = faults[0]
        error = cls(first.message, code=first.code, subject=first.subject)
        error.faults = faults
        return error


class AnchorError(KitError):
    """A trust anchor is missing, malformed or does not verify."""

    default_code = "trust.unusable"


class MachineError(KitError):
    """The network, a server, the disk or the medium failed; trying again may help."""

    default_code = "machine.failed"


class EvidenceError(KitError):
    """A piece of evidence, or another carried document, does not hold."""

    default_code = "evidence.rejected"


class MalformedError(EvidenceError):
    """Bytes that cannot be read as what they say they are."""

    default_code = "evidence.malformed"


class UnsupportedError(EvidenceError):
    """Evidence in a form that this kit does not verify; never counted as verified."""

    default_code = "evidence.unsupported"


class RejectedError(EvidenceError):
    """Evidence was understood and does not hold.

    ``code`` is required: which rule refused it is the point.
    """

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        """Refuse under the stable ``code``."""
        super().__init__(message, code=code, hint=hint)


class ForeignError(RejectedError):
    """A certificate that no authority of this instance issued; another instance's may have."""

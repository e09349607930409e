"""What a Fulcio leaf says about a signer: the extensions under 1.3.6.1.4.1.57264.1.

The names are those of Fulcio's docs/oid-info.md, lower case with hyphens.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography import x509

from tests.lab.encoding import der

ARC = "1.3.6.1.4.1.57264.1"
_UTF8_STRING = 0x0C

# None leaves an extension out; bytes are its octets exactly as given, well-formed or not.
Overrides = Mapping[str, str | bytes | None]


@dataclass(frozen=True, slots=True)
class Extension:
    """A Fulcio extension: its number under the arc, and whether its value is DER or bare text."""

    number: int
    raw: bool = False

    @property
    def oid(self) -> x509.ObjectIdentifier:
        """Return the full object identifier."""
        return x509.ObjectIdentifier(f"{ARC}.{self.number}")


EXTENSIONS: Mapping[str, Extension] = MappingProxyType(
    {
        "issuer": Extension(1, raw=True),
        "github-workflow-trigger": Extension(2, raw=True),
        "github-workflow-sha": Extension(3, raw=True),
        "github-workflow-name": Extension(4, raw=True),
        "github-workflow-repository": Extension(5, raw=True),
        "github-workflow-ref": Extension(6, raw=True),
        "issuer-v2": Extension(8),
        "build-signer-uri": Extension(9),
        "build-signer-digest": Extension(10),
        "runner-environment": Extension(11),
        "source-repository-uri": Extension(12),
        "source-repository-digest": Extension(13),
        "source-repository-ref": Extension(14),
        "source-repository-identifier": Extension(15),
        "source-repository-owner-uri": Extension(16),
        "source-repository-owner-identifier": Extension(17),
        "build-config-uri": Extension(18),
        "build-config-digest": Extension(19),
        "build-trigger": Extension(20),
        "run-invocation-uri": Extension(21),
        "source-repository-visibility": Extension(22),
        "deployment-environment": Extension(23),
        "token-subject": Extension(24),
    }
)

_WORKFLOW = re.compile(
    r"(?P<server>https://[^/]+)/(?P<owner>[^/]+)/(?P<name>[^/]+)"
    r"/\.github/workflows/(?P<file>[^@]+)@(?P<ref>.+)"
)


def said_of(identity: str, issuer: str) -> dict[str, str]:
    """Return what Fulcio would write for a token: by name, in the order of the numbers.

    A workflow of GitHub gets all that Actions tells Fulcio, any other identity the issuer only.
    """
    said = {"issuer": issuer, "issuer-v2": issuer}
    workflow = _WORKFLOW.fullmatch(identity)
    if workflow is None:
        return said
    said |= _of_workflow(identity, workflow)
    return {name: said[name] for name in EXTENSIONS if name in said}


def encode(said: Overrides) -> tuple[x509.UnrecognizedExtension, ...]:
    """Return the extensions, without those that are None."""
    return tuple(
        x509.UnrecognizedExtension(EXTENSIONS[name].oid, _octets(EXTENSIONS[name], value))
        for name, value in said.items()
        if value is not None
    )


def _octets(extension: Extension, value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if extension.raw else der(_UTF8_STRING, value.encode())


def _of_workflow(identity: str, workflow: re.Match[str]) -> dict[str, str]:
    owner_uri = f"{workflow['server']}/{workflow['owner']}"
    repository = f"{workflow['owner']}/{workflow['name']}"
    repository_uri = f"{workflow['server']}/{repository}"
    commit = hashlib.sha256(identity.encode()).hexdigest()[:40]
    return {
        "github-workflow-trigger": "push",
        "github-workflow-sha": commit,
        "github-workflow-name": workflow["file"].rpartition(".")[0],
        "github-workflow-repository": repository,
        "github-workflow-ref": workflow["ref"],
        "build-signer-uri": identity,
        "build-signer-digest": commit,
        "runner-environment": "github-hosted",
        "source-repository-uri": repository_uri,
        "source-repository-digest": commit,
        "source-repository-ref": workflow["ref"],
        "source-repository-identifier": _number(repository_uri),
        "source-repository-owner-uri": owner_uri,
        "source-repository-owner-identifier": _number(owner_uri),
        "build-config-uri": identity,
        "build-config-digest": commit,
        "build-trigger": "push",
        "run-invocation-uri": f"{repository_uri}/actions/runs/{_number(identity)}/attempts/1",
        "source-repository-visibility": "public",
    }


def _number(name: str) -> str:
    # Eight digits, as GitHub's ids have.
    return str(10_000_000 + int(hashlib.sha256(name.encode()).hexdigest(), 16) % 90_000_000)

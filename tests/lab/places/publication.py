"""One release, as every place is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Unpack

from tests.lab.instance import PROVENANCE, Lab
from tests.lab.order import AT, Options

#: What PyPI lets be attested of a file beside SLSA provenance.
PUBLISH = "https://docs.pypi.org/attestations/publish/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A release: its files, and the Sigstore bundles about each of them, by file name.

    ``repository`` and ``workflow`` are what the places say of where it was published from.
    ``withdrawn`` has reasons by file name: PyPI says *yanked*, npm *deprecated*.
    """

    name: str
    version: str
    files: Mapping[str, bytes]
    bundles: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    repository: str = "acme/tool"
    workflow: str = "release.yml"
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    uploaded: datetime = AT

    def __post_init__(self) -> None:
        """Refuse what is said about files that there are not."""
        for name in (*self.bundles, *self.withdrawn):
            if name not in self.files:
                raise ValueError(f"the release has no file {name!r}")


def attested(
    lab: Lab,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    /,
    *predicate_types: str,
    **options: Unpack[Options],
) -> Publication:
    """Return a release whose files are each attested by the lab's release workflow.

    Without ``predicate_types`` that is one publish attestation a file, as PyPI's own
    action makes; SLSA provenance is the other that PyPI takes.
    """
    bundles = {
        file: tuple(
            lab.attest({file: content}, predicate_type=kind, predicate=_PREDICATES[kind], **options)
            for kind in predicate_types or (PUBLISH,)
        )
        for file, content in files.items()
    }
    return Publication(name=name, version=version, files=files, bundles=bundles)


_PREDICATES: Mapping[str, Mapping[str, object]] = {
    PUBLISH: {},
    PROVENANCE: {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {},
            "internalParameters": {},
            "resolvedDependencies": [],
        },
        "runDetails": {
            "builder": {"id": "https://github.com/actions/runner/github-hosted"},
            "metadata": {"invocationId": "https://github.com/acme/tool/actions/runs/1/attempts/1"},
        },
    },
}

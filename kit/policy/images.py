"""What binds an image to its line, and what must hold of each of its platforms.

A line with a digest names its bytes. A line with a tag names a repository, which the signed
evidence must name too: a simple signing payload by ``docker-reference``, a statement by the
name of its subject. A mirror's line says with ``published-as`` which name that is. Nobody
signs tags, so a tag is only told of, unless what was signed contains it; a chart's signed
``Chart.yaml`` says its own name and version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kit.errors import MalformedError
from kit.formats import oci_reference
from kit.formats.helm_chart import Chart
from kit.formats.oci_reference import Reference
from kit.formats.release_line import Line
from kit.formats.rules import Requirement
from kit.model import Claim, Finding, Level
from kit.policy import binding
from kit.policy.facts import FileFacts

#: Platforms that a note names.
MAX_NAMED = 10


def is_other(line: Line, file: FileFacts) -> Iterator[Finding]:
    """Yield why an artifact cannot be what its line asks for, whoever signed it."""
    wanted, name = line.source.image, file.artifact.name
    # A folder may be an image layout; what is in it is bound as files are.
    may_be_either = line.source.scheme == "file" and line.source.is_folder
    if (wanted is None) != (file.image is None) and not may_be_either:
        what = "a file" if wanted is None else "an image in the pack's layout"
        yield _error(
            "oci.not-an-image", name, f"the line {line.source.text!r} asks for {what}; it is none"
        )
    if wanted is None or file.image is None:
        return
    if wanted.digest is not None and wanted.digest != file.digests["sha256"]:
        yield _error(
            "oci.digest",
            name,
            f"the line {line.source.text!r} names this digest; the image is "
            f"{file.digests['sha256']}",
            hint="it is another image; collect again, or look at who collected",
        )
    if line.source.scheme == "helm" and file.image.chart is None:
        yield _error("helm.not-a-chart", name, "its manifest is no Helm chart's")
    elif line.source.scheme == "helm" and wanted.tag is not None:
        yield from _is_other_chart(wanted, file.image.chart, name)


def _is_other_chart(wanted: Reference, chart: Chart | None, name: str) -> Iterator[Finding]:
    if chart is not None and (chart.name, chart.tag) != (wanted.repository.last, wanted.tag):
        yield _error(
            "helm.other-chart",
            name,
            f"its Chart.yaml says that it is {chart.name} {chart.version}",
            hint="it is another chart, or another version of it; collect again, or look at who "
            "collected",
        )


def unproved(
    line: Line, file: FileFacts, met: Iterable[Claim], parts: Sequence[Requirement]
) -> Iterator[Finding]:
    """Yield what nothing proves of a line with a tag: its repository (an error), or its tag.

    ``met`` are the claims that met the requirements ``parts`` of the line.
    """
    wanted = line.source.image
    if wanted is None or wanted.tag is None or any(part.digest is not None for part in parts):
        return
    # What is signed on a platform's image, or in a document, does not name the index.
    own = [c for c in met if c.document is None and c.digest == file.digests["sha256"]]
    chart = file.image.chart if file.image is not None else None
    if line.source.scheme == "helm" and chart is not None and own:
        return  # its name and version are the line's, or it is another chart already
    named = list(dict.fromkeys(given for claim in own for given in claim.names))
    home = line.published_as or wanted.repository
    fitting = [found for found in map(_reference, named) if found and found.repository == home]
    tags = {found.tag for found in fitting}
    if not tags & {None, wanted.tag}:
        yield _name_unproved(line, file, named)
    elif wanted.tag not in tags and not binding.signer_names(wanted.tag, own, parts):
        yield Finding(
            level=Level.WARNING,
            code="oci.tag-unproved",
            subject=file.artifact.name,
            message=f"signed evidence names {home}, and nothing that was signed says that this is "
            f"its {wanted.tag}",
            hint="whoever collected chose the image: pin its digest, or name a signer by the "
            "exact identity at the version's tag",
        )


def by_index(file: FileFacts) -> Iterator[Finding]:
    """Yield a note that tells which images of an index only the index's digest covers."""
    if file.image is None or not file.image.is_index:
        return
    platforms = file.image.platforms
    bare = [each.artifact.name for each in platforms if not each.claims]
    if not bare:
        return
    more = f" and {len(bare) - MAX_NAMED} more" if len(bare) > MAX_NAMED else ""
    yield Finding(
        level=Level.NOTE,
        code="oci.by-index",
        subject=file.artifact.name,
        message=f"{len(bare)} of its {len(platforms)} images are covered by the digest of the "
        f"index alone: {', '.join(bare[:MAX_NAMED])}{more}",
    )


def _reference(text: str) -> Reference | None:
    try:
        return oci_reference.parse(text)
    except MalformedError:
        return None


def _name_unproved(line: Line, file: FileFacts, named: Sequence[str]) -> Finding:
    told = f"; the signed evidence names it {', '.join(named[:3])}" if named else ""
    home = line.published_as or (line.source.image and line.source.image.repository)
    return _error(
        "artifact.name-unproved",
        file.artifact.name,
        f"nothing that was signed says that this image is {home}'s{told}",
        hint="it may be another image of the same signer; pin its digest, write published-as where "
        "it comes from a mirror, or write strict-names = false and accept that the name is "
        "only the collector's word",
    )


def _error(code: str, subject: str, message: str, hint: str | None = None) -> Finding:
    return Finding(level=Level.ERROR, code=code, subject=subject, message=message, hint=hint)

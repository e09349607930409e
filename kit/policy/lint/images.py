"""Lines of images: what a tag leaves to whoever collects, and what no image can meet."""

from __future__ import annotations

from collections.abc import Iterator

from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line
from kit.formats.rules import Requirement
from kit.model import Finding
from kit.policy.binding import names_version
from kit.policy.lint.remark import note, warning


def findings(release: ReleaseFile) -> Iterator[Finding]:
    """Yield what there is to say about each line that names an image by a tag."""
    for number, line in enumerate(release.lines):
        image = line.source.image
        if image is None or image.tag is None:
            continue
        parts = [part for part in line.requirements if part.optional is None]
        if any(part.digest is not None for part in parts):
            continue
        if line.source.scheme == "oci" and not any(_names(part, image.tag) for part in parts):
            yield note(
                "lint.image-tag",
                f"artifact[{number}].source",
                f"nobody signs tags: which of the images signed for {image.repository} is its "
                f"{image.tag}, whoever collects chooses",
                'source = "oci:REPOSITORY@sha256:HEX", or an exact identity at the version\'s tag',
            )
        yield from _platforms_alone(line, parts, f"artifact[{number}].require")


def _names(part: Requirement, tag: str) -> bool:
    identity = part.signer.identity if part.signer is not None else None
    ref = part.build.ref
    return (identity is not None and names_version(identity, tag)) or (
        ref is not None and names_version(f"@{ref}", tag)
    )


def _platforms_alone(line: Line, parts: list[Requirement], path: str) -> Iterator[Finding]:
    if parts and all(part.each_platform for part in parts):
        yield warning(
            "lint.platforms-alone",
            path,
            f"no requirement is about the index of {line.source.text!r} itself, which anybody can "
            "make of signed images: it fails by artifact.name-unproved",
            "add a requirement without `on`, or name the image by its digest",
        )

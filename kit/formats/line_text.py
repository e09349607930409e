"""Read ``[[artifact]]`` as the release file writes it.

The JSON Schema has been asked already: here is what it cannot say. Every error begins with the
path of the offending key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kit.errors import MalformedError
from kit.formats import oci_platform, oci_reference, rule_text
from kit.formats.oci_reference import Repository
from kit.formats.release_line import Line, is_pattern, lines_of
from kit.formats.rule_text import Beside
from kit.formats.rules import Demand, Signer, parts_of
from kit.formats.source_text import parse_source


def line(given: dict[str, Any], signers: Mapping[str, Signer], path: str, beside: Beside) -> Line:
    """Read one ``[[artifact]]``; ``beside`` returns the bytes of a file that it names."""
    source = parse_source(given["source"], f"{path}.source")
    if source.repository is not None and source.repository.tag is None:
        raise MalformedError(
            f"{path}.source: {source.text!r} names no release; write {source.text}@TAG"
        )
    if source.image is not None and source.image.name is None:
        raise MalformedError(
            f"{path}.source: {source.text!r} names no image; write {source.text}@sha256:HEX or "
            f"{source.text}:TAG"
        )
    files = tuple(given.get("files", ()))
    if files and source.scheme == "file":
        source = replace(source, file_name=None)
    if files and not source.is_folder:
        raise MalformedError(
            f"{path}.files: {source.text!r} is one file; only a folder has several"
        )
    for number, name in enumerate(files):
        if source.package is not None and not is_pattern(name) and not source.package.holds(name):
            raise MalformedError(
                f"{path}.files[{number}]: {name!r} is no wheel or sdist of {source.location}"
            )
        if name in files[:number]:
            raise MalformedError(f"{path}.files[{number}]: {name!r} is there twice")
    require = tuple(
        _demand(item, signers, (f"{path}.require[{number}]", beside), files)
        for number, item in enumerate(given.get("require", ()))
    )
    if source.image is None:
        _refuse_of_images(given, require, path)
    return Line(
        source=source,
        files=files,
        evidence=tuple(
            parse_source(text, f"{path}.evidence[{number}]")
            for number, text in enumerate(given.get("evidence", ()))
        ),
        require=require,
        published_as=_published_as(given.get("published-as"), f"{path}.published-as"),
        platforms=tuple(map(oci_platform.parse, given.get("platforms", ()))),
    )


def _demand(
    given: dict[str, Any],
    signers: Mapping[str, Signer],
    where: tuple[str, Beside],
    files: Sequence[str],
) -> Demand:
    path, beside = where
    demand = rule_text.demand(given, signers, path, beside)
    for name in demand.files:
        if name not in files:
            raise MalformedError(
                f"{path}.files: {name!r} is not among the line's files; write it as it stands there"
            )
    return demand


def _refuse_of_images(given: dict[str, Any], require: tuple[Demand, ...], path: str) -> None:
    for key in ("published-as", "platforms"):
        if key in given:
            raise MalformedError(f"{path}.{key}: only images of oci: and helm: have it")
    for number, demand in enumerate(require):
        if any(part.each_platform for part in parts_of(demand)):
            raise MalformedError(f"{path}.require[{number}].on: only images have platforms")


def refuse_copies_of_nothing(line: Line, lines: Sequence[Line], path: str) -> None:
    """Refuse a ``predicate-of`` that could never hold, or could hold of a file nobody chose."""
    for number, demand in enumerate(line.require):
        where = f"{path}.require[{number}].predicate-of"
        for original in {part.predicate_of for part in parts_of(demand)} - {None}:
            about = demand.files or (*line.names, *line.patterns)
            one = about[0] if len(about) == 1 and not is_pattern(about[0]) else None
            if one is None or line.source.image is not None or line.source.package is not None:
                raise MalformedError(
                    f"{where}: one file is the copy, which no package and no image is: name it "
                    'with files = ["NAME"]'
                )
            _demand_one_original(str(original), one, lines, where)


def _demand_one_original(name: str, copy: str, lines: Sequence[Line], where: str) -> None:
    found = lines_of(name, lines)
    if name == copy or not found:
        raise MalformedError(f"{where}: {name!r} is no other artifact of this release file")
    if len(found) > 1:
        sources = " and ".join(repr(line.source.text) for line in found[:2])
        raise MalformedError(
            f"{where}: {name!r} may be of {sources}; write it out in one of them alone, or in its "
            "place the source of an image or of a single file"
        )
    own = found[0].names[0] if found[0].is_named(name) else name
    parts = (part for demand in found[0].demands_of(own) for part in parts_of(demand))
    if any(part.predicate_of is not None for part in parts):
        raise MalformedError(f"{where}: {name!r} is itself a copy; name what that is a copy of")


def _published_as(text: str | None, path: str) -> Repository | None:
    if text is None:
        return None
    try:
        return oci_reference.parse_repository(text)
    except MalformedError as error:
        raise MalformedError(f"{path}: {error}") from error

"""Read requirements as the release file writes them.

The JSON Schema has been asked already: here is what it cannot say, such as which keys
make sense together. A key that could not do anything is refused rather than ignored.
Every error begins with the path of the offending key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings, predicate_schema, signer_text, strictjson, terms_text
from kit.formats.rules import (
    ALIASES,
    Alternatives,
    BuildRule,
    Demand,
    PredicateType,
    Requirement,
    SbomRule,
    ScanException,
    ScanRule,
    Signer,
)
from kit.model.predicates import Severity

#: Returns the bytes of a file beside the release file; raises ``MalformedError`` for none.
Beside = Callable[[str], bytes]

_BUILD_KEYS = (
    "builder-id",
    "source-repository",
    "source-ref",
    "source-tag",
    "source-branch",
    "source-digest",
    "signer-workflow",
    "build-trigger",
    "runner-environment",
    "external-parameters",
)
#: What only a signed statement, or its certificate, can show.
_STATEMENT_KEYS = ("predicate-type", "predicate-schema", "predicate-of", *_BUILD_KEYS)


def demand(
    given: Mapping[str, Any], signers: Mapping[str, Signer], path: str, beside: Beside
) -> Demand:
    """Read one ``[[artifact.require]]``: a requirement, or several ways to meet it."""
    if "any-of" not in given:
        return _requirement(given, signers, path, beside)
    extra = sorted(set(given) - {"any-of", "at-least", "optional", "files"})
    if extra:
        raise MalformedError(f"{path}.{extra[0]}: belongs into each of any-of")
    of = tuple(
        _all_of(item, signers, f"{path}.any-of[{number}]", beside)
        for number, item in enumerate(given["any-of"])
    )
    at_least = given.get("at-least", 1)
    if at_least > len(of):
        raise MalformedError(f"{path}.at-least: {at_least} of {len(of)} can never be met")
    if at_least > 1 and any(len(parts) > 1 or parts[0].signer is None for parts in of):
        raise MalformedError(
            f"{path}.at-least: counts signers, so each of any-of must have one and no all-of"
        )
    return Alternatives(
        of=of,
        at_least=at_least,
        optional=given.get("optional"),
        files=tuple(given.get("files", ())),
    )


def _all_of(
    given: Mapping[str, Any], signers: Mapping[str, Signer], path: str, beside: Beside
) -> tuple[Requirement, ...]:
    inner = given.get("all-of", [given])
    if "all-of" in given and len(given) > 1:
        raise MalformedError(f"{path}: has keys beside all-of; put them into each of all-of")
    where = [f"{path}.all-of[{n}]" for n in range(len(inner))] if "all-of" in given else [path]
    parts = tuple(
        _requirement(item, signers, place, beside) for item, place in zip(inner, where, strict=True)
    )
    for part, place in zip(parts, where, strict=True):
        if part.optional is not None:
            raise MalformedError(f"{place}.optional: one of several ways is optional as it is")
        if part.files:
            raise MalformedError(f"{place}.files: belongs beside any-of")
    return parts


def _requirement(
    given: Mapping[str, Any], signers: Mapping[str, Signer], path: str, beside: Beside
) -> Requirement:
    _refuse(given, ("any-of",), path, "stands in another any-of; write its ways into that one")
    who = _who(given, signers, path)
    _refuse_idle(given, who, path)
    scan = _scan(given["scan"], signers, f"{path}.scan") if "scan" in given else None
    schema = given.get("predicate-schema")
    return Requirement(
        signer=who,
        digest=encodings.parse_digest(given["digest"]) if "digest" in given else None,
        predicate_types=_types(given.get("predicate-type", []), f"{path}.predicate-type"),
        listed_in=given.get("listed-in"),
        build=_build(given, path),
        sbom=_sbom(given["sbom"]) if "sbom" in given else None,
        scan=scan,
        predicate_schema=None
        if schema is None
        else predicate_schema.read(schema, beside, f"{path}.predicate-schema"),
        log=given.get("log"),
        every=given.get("every", scan is not None),
        at_least=given.get("at-least", 1),
        each_platform=given.get("on") == "each-platform",
        optional=given.get("optional"),
        files=tuple(given.get("files", ())),
        predicate_of=given.get("predicate-of"),
    )


def _who(given: Mapping[str, Any], signers: Mapping[str, Signer], path: str) -> Signer | None:
    if "openpgp" in given:
        if "signer" in given:
            raise MalformedError(f"{path}.openpgp: stands for a signer; there is one already")
        key = signer_text.fingerprint(given["openpgp"], f"{path}.openpgp")
        return Signer(name=key[-16:], openpgp=key)
    name = given.get("signer")
    if name is None:
        return None
    return signer_text.declared(name, signers, f"{path}.signer")[0]


def _refuse_idle(given: Mapping[str, Any], who: Signer | None, path: str) -> None:
    """Refuse keys that could say nothing beside the others."""
    if who is None:
        for key in sorted(set(given) - {"digest", "optional", "files"}):
            raise MalformedError(f"{path}.{key}: says nothing without a signer")
        if "digest" not in given:
            raise MalformedError(f"{path}: demands nothing")
        return
    if who.openpgp is not None:
        _refuse(given, (*_STATEMENT_KEYS, "log"), path, "an OpenPGP signature says nothing of it")
    if "listed-in" in given:
        because = "a line of a digest manifest has none"
        _refuse(given, (*_STATEMENT_KEYS, "sbom", "scan"), path, because)
    if "sbom" in given:
        _refuse(given, ("scan",), path, "one claim is not both; write two requirements")
    if "predicate-of" in given:
        _refuse_beside_copies(given, path)
    if given.get("on") == "each-platform":
        _refuse(given, ("digest",), path, "no two platforms have one digest")
    refs = [key for key in ("source-ref", "source-tag", "source-branch") if key in given]
    _refuse(given, refs[1:], path, f"{refs[0] if refs else ''} says the ref already")
    if given.get("at-least", 1) > 1 and who.identity_regexp is None:
        raise MalformedError(
            f"{path}.at-least: the signer {who.name!r} is one alone; use any-of with several, or "
            "an identity-regexp"
        )


def _refuse_beside_copies(given: Mapping[str, Any], path: str) -> None:
    because = "stands where the original is attested; this is a copy of it"
    _refuse(given, ("sbom", "scan", "predicate-schema"), path, because)
    _refuse(given, ("every",), path, "of several statements, a file can be a copy of one alone")
    if "predicate-type" not in given:
        raise MalformedError(f"{path}.predicate-of: needs predicate-type: a copy of what?")


def _refuse(given: Mapping[str, Any], keys: Sequence[str], path: str, because: str) -> None:
    for key in keys:
        if key in given:
            raise MalformedError(f"{path}.{key}: {because}")


def _types(written: str | list[str], path: str) -> tuple[PredicateType, ...]:
    types = [written] if isinstance(written, str) else written
    for one in types:
        if ":" not in one and one not in ALIASES:
            raise MalformedError(
                f"{path}: {one!r} is neither a URI nor one of {', '.join(sorted(ALIASES))}"
            )
    return tuple(PredicateType(one) for one in types)


def _build(given: Mapping[str, Any], path: str) -> BuildRule:
    trigger = given.get("build-trigger", [])
    repository = given.get("source-repository")
    if repository is not None and repository.endswith((".git", "/")):
        raise MalformedError(
            f"{path}.source-repository: {repository!r}: certificates write it without .git and "
            "without a slash at the end"
        )
    try:
        strictjson.canonical(given.get("external-parameters"))
    except ValueError as error:
        raise MalformedError(f"{path}.external-parameters: JSON has no nan and no inf") from error
    return BuildRule(
        builder_id=given.get("builder-id"),
        source_repository=repository,
        source_ref=given.get("source-ref"),
        source_tag=given.get("source-tag"),
        source_branch=given.get("source-branch"),
        source_digest=given.get("source-digest"),
        signer_workflow=given.get("signer-workflow"),
        build_trigger=(trigger,) if isinstance(trigger, str) else tuple(trigger),
        runner_environment=given.get("runner-environment"),
        external_parameters=given.get("external-parameters"),
    )


def _sbom(given: Any) -> SbomRule:
    if given is True:
        return SbomRule()
    return SbomRule(
        format=given.get("format"),
        file=given.get("file"),
        minimum_components=given.get("minimum-components", 1),
    )


def _scan(given: Mapping[str, Any], signers: Mapping[str, Signer], path: str) -> ScanRule:
    return ScanRule(
        fail_on=Severity[given["fail-on"].upper()],
        format=given.get("format"),
        file=given.get("file"),
        allow_unknown=given.get("allow-unknown", False),
        max_age=terms_text.duration(given.get("max-age")),
        max_database_age=terms_text.duration(given.get("max-database-age")),
        exceptions=tuple(
            ScanException(
                id=item["id"],
                reason=item["reason"],
                expires=terms_text.moment(item["expires"], f"{path}.exceptions[{number}].expires"),
            )
            for number, item in enumerate(given.get("exceptions", ()))
        ),
        vex=signer_text.declared(given.get("vex", ()), signers, f"{path}.vex"),
    )

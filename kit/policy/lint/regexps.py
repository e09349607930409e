"""Regular expressions for identities: those that are unread, slow, or match nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit.formats.rules import Signer
from kit.model import Finding
from kit.policy.lint import expression, identities, language, slowness, wider
from kit.policy.lint.expression import Expression, Sequence, Unread
from kit.policy.lint.remark import note, warning
from kit.policy.lint.wider import Narrowed


def findings(path: str, signer: Signer, version: str, narrowed: Narrowed) -> Iterator[Finding]:
    """Yield what there is to say about a signer's regular expression."""
    pattern = signer.identity_regexp
    if pattern is None:
        return
    path = f"{path}.identity-regexp"
    try:
        read = expression.read(pattern.pattern)
        whole = language.of_node(read.node)
        slow = slowness.is_slow(read.node)
    except Unread:
        yield note(
            "lint.regexp-unread",
            path,
            "this lint cannot read all of it, so that nothing is said about what it matches",
            "write it without lookaround, back references and inner flags, or name identities",
        )
        return
    if slow:
        yield warning(
            "lint.regexp-slow",
            path,
            "to refuse an identity may take it longer than anybody waits, and strangers choose "
            "identities",
            "do not repeat what is itself repeated: write `[^/@]+` for one part of a path",
        )
    yield from _dots(path, pattern.pattern, read)
    issuer = identities.of_host(signer.issuer, whole)
    if any(whole.common(form) is not None for form in identities.forms(issuer)):
        yield from wider.findings(path, issuer, read.node, version, narrowed)
    else:
        yield _never(path, issuer, pattern.pattern, read)


def holds(signer: Signer, form: str) -> bool:
    """Say whether a signer's regular expression matches a text of this form, as far as is known."""
    if signer.identity_regexp is None:
        return False
    try:
        read = expression.read(signer.identity_regexp.pattern)
        return language.of_node(read.node).common(language.of(form)) is not None
    except Unread:
        return False


def _dots(path: str, pattern: str, read: Expression) -> Iterator[Finding]:
    if not read.bare_dots:
        return
    yield warning(
        "lint.regexp-dot",
        path,
        f"`.` matches any character: the one in {_around(pattern, read.bare_dots[0])} also another "
        "name's",
        f"identity-regexp = '{_escaped(pattern, read)}'",
    )


def _escaped(pattern: str, read: Expression) -> str:
    ends = (0, *read.bare_dots), (*read.bare_dots, len(pattern))
    return "\\".join(pattern[start:end] for start, end in zip(*ends, strict=True))


def _around(pattern: str, place: int) -> str:
    begin = place - len(re.split(r"[^A-Za-z0-9_-]", pattern[:place])[-1])
    end = place + 1 + len(re.split(r"[^A-Za-z0-9_-]", pattern[place + 1 :])[0])
    return f"`{pattern[begin:end]}`"


def _never(path: str, issuer: str, pattern: str, read: Expression) -> Finding:
    """Say that it matches none of the issuer's identities, and why."""
    rest = expression.Repeat(expression.Characters(expression.EVERY), 0, None)
    try:
        begun = language.of_node(Sequence((read.node, rest)))
    except Unread:
        begun = None
    form = identities.described(issuer)
    for whole in identities.forms(issuer) if begun is not None else ():
        found = begun.common(whole) if begun is not None else None
        if found is not None:
            return warning(
                "lint.regexp-prefix",
                path,
                "it matches only the beginning of an identity, and must match the whole: nobody "
                "meets it",
                _completed(_escaped(pattern, read), found, form),
            )
    return warning(
        "lint.regexp-never",
        path,
        f"it matches no identity of the form that {issuer} vouches for: nobody meets it",
        f"identities of this issuer look like {form}",
    )


def _completed(pattern: str, found: str, form: str) -> str:
    bare = pattern.removeprefix("^").removesuffix("$").rstrip("/")
    parts = identities.workflow(found)
    if parts is None or parts.pipeline or bare.count("/") != 4:
        return f"write all of it, as in {form}"
    return (
        f"identity-regexp = '{bare}/\\.github/workflows/WORKFLOW\\.yml@refs/tags/v[0-9.]+', "
        "or better the exact identity"
    )

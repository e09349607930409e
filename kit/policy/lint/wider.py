"""What a regular expression for identities matches besides what is meant.

A heuristic, but no guess: a warning that something else matches is about a text that was
tried and does match. What is tried are identities that differ in one part from one that
matches; another way to match too much may be missed. Each branch of an alternative is
looked at by itself, as far as there are few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from kit.model import Finding
from kit.policy.lint import identities, language
from kit.policy.lint.expression import Choice, Node, Sequence, Unread
from kit.policy.lint.identities import Workflow
from kit.policy.lint.language import Language
from kit.policy.lint.remark import note, warning

_MAX_BRANCHES = 32
_BRANCH = r"https://[^@]+@refs/heads/[^@ ]+"
_PULL = r"https://[^@]+@refs/(pull|merge-requests)/[^@ ]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What every requirement of a signer demands besides who signed."""

    repository: bool = False
    workflow: bool = False
    ref: bool = False


def findings(
    path: str, issuer: str, node: Node, version: str, narrowed: Narrowed
) -> Iterator[Finding]:
    """Yield what else than meant the pattern matches, each code once."""
    seen: set[str] = set()
    for branch in _branches(node):
        for finding in _about(path, issuer, branch, version, narrowed):
            if finding.code not in seen:
                seen.add(finding.code)
                yield finding


def _branches(node: Node) -> list[Node]:
    """Return the ways that a pattern's alternatives leave, or the whole where they are many."""
    match node:
        case Choice(of):
            found = [branch for inner in of for branch in _branches(inner)]
        case Sequence(parts):
            ways = [_branches(part) for part in parts]
            count = 1
            for way in ways:
                count *= len(way)
            if count > _MAX_BRANCHES:
                return [node]
            found = [Sequence(chosen) for chosen in product(*ways)]
        case _:
            return [node]
    return found if len(found) <= _MAX_BRANCHES else [node]


def _about(
    path: str, issuer: str, branch: Node, version: str, narrowed: Narrowed
) -> Iterator[Finding]:
    try:
        texts = language.of_node(branch)
    except Unread:
        return
    forms = identities.forms(issuer)
    matched = next((found for form in forms if (found := texts.common(form)) is not None), None)
    if matched is None:
        return
    parts = identities.workflow(matched)
    if parts is not None:
        yield from _of_workflow(_Tried(path, texts, parts, version), narrowed)
    elif "@" in matched and "/" not in matched:
        yield from _of_mail(path, texts, matched)
    else:
        yield from _of_text(path, texts, matched)


@dataclass(frozen=True, slots=True)
class _Tried:
    """A language, and the parts of a workflow's identity that is in it."""

    path: str
    texts: Language
    parts: Workflow
    version: str

    def first(self, *others: Workflow) -> str | None:
        """Return the first of some identities that matches too."""
        return next((str(other) for other in others if self.texts.has(str(other))), None)

    def suggested(self) -> str:
        """Return the exact identity to write, with words in capitals where it is open."""
        parts = self.parts
        stands = {
            "owner": ("zz-other", "OWNER"),
            "name": ("zz-other", "REPOSITORY"),
            "file": ("zz-other.yml", "WORKFLOW.yml"),
            "ref": ("refs/tags/zz-other", f"refs/tags/v{self.version}"),
        }
        for part, (tried, shown) in stands.items():
            if self.first(replace(self.parts, **{part: tried})) is not None:  # type: ignore[arg-type] # all are texts
                parts = replace(parts, **{part: shown})  # type: ignore[arg-type] # as above
        if self.version in parts.ref:
            parts = replace(parts, ref=f"refs/tags/v{self.version}")
        return f'write the exact identity, such as identity = "{parts}"'

    @property
    def is_of_one_repository(self) -> bool:
        """Whether no other repository's workflow matches."""
        others = replace(self.parts, owner="zz-evil"), replace(self.parts, name="zz-other")
        return self.first(*others) is None


def _of_workflow(tried: _Tried, narrowed: Narrowed) -> Iterator[Finding]:
    yield from _repository(tried, narrowed)
    yield from _file(tried, narrowed)
    if not narrowed.ref:
        yield from _ref(tried)


def _open(tried: _Tried, found: str, what: str) -> Finding:
    return warning(
        "lint.regexp-open", tried.path, f"it also matches {what}: {found}", tried.suggested()
    )


def _repository(tried: _Tried, narrowed: Narrowed) -> Iterator[Finding]:
    parts = tried.parts
    of_others = tried.first(
        *(replace(parts, owner=owner) for owner in ("zz-evil", f"{parts.owner}-evil",
                                                    f"evil-{parts.owner}", f"evil{parts.owner}")),
        replace(parts, owner=f"{parts.owner}-evil", name="zz-other"),
        replace(parts, owner=f"evil{parts.owner}", name="zz-other"),
    )  # fmt: skip
    if of_others is not None:
        yield _open(tried, of_others, "workflows of other owners")
        return
    if tried.first(replace(parts, name="zz-other")) is not None:
        if not (narrowed.repository or narrowed.workflow):
            yield warning(
                "lint.owner-wide",
                tried.path,
                f"any repository of {parts.owner} may sign, also one that is added, forked or "
                "transferred to it one day",
                tried.suggested(),
            )
        return
    alike = tried.first(
        *(replace(parts, name=name) for name in (f"{parts.name}-evil", f"evil-{parts.name}",
                                                 f"{parts.name}.evil", f"{parts.name}/evil")),
        replace(parts, name=f"{parts.name}-evil", file="evil.yml"),
    )  # fmt: skip
    if alike is not None:
        yield _open(tried, alike, "another repository")


def _file(tried: _Tried, narrowed: Narrowed) -> Iterator[Finding]:
    parts = tried.parts
    if tried.first(*(replace(parts, file=f"zz-other{end}") for end in (".yml", ".yaml"))):
        if not narrowed.workflow and tried.is_of_one_repository:
            yield warning(
                "lint.any-workflow",
                tried.path,
                f"any workflow of {parts.owner}/{parts.name} may sign, also one for tests that "
                "runs what others wrote",
                tried.suggested(),
            )
        return
    stem, dot, end = parts.file.rpartition(".")
    others = (f"{parts.file}-evil.yml", f"{stem}-evil{dot}{end}", f"evil-{parts.file}",
              f"{parts.file}/evil.yml")  # fmt: skip
    found = tried.first(*(replace(parts, file=file) for file in others))
    if found is not None:
        yield _open(tried, found, "another workflow")


def _ref(tried: _Tried) -> Iterator[Finding]:
    def at(*refs: str) -> str | None:
        return tried.first(*(replace(tried.parts, ref=ref) for ref in refs))

    branch = at("refs/heads/main") or tried.texts.common(language.of(_BRANCH))
    pull = at("refs/pull/1/merge") or tried.texts.common(language.of(_PULL))
    if branch is not None:
        yield warning(
            "lint.branch-ref",
            tried.path,
            f"it also matches what a branch built: {branch}",
            f"end it with @refs/tags/v{re.escape(tried.version)}, or demand `source-tag`",
        )
    if pull is not None:
        yield _pulled(tried.path, pull, tried.version)
    if branch or pull:
        return
    longer = at(f"{tried.parts.ref}-evil")
    if tried.version in tried.parts.ref and longer is not None:
        yield _open(tried, longer, "another tag")
    elif at("refs/tags/zz-other", "refs/tags/v0.0.0", "refs/tags/0.0.0") is not None:
        yield note(
            "lint.any-tag",
            tried.path,
            "it matches any tag, so that it says nothing of the version",
            f'demand source-tag = "v{tried.version}", or name the identity at that tag',
        )


def _pulled(path: str, found: str, version: str) -> Finding:
    return warning(
        "lint.pull-request",
        path,
        f"it matches what a pull request built, which anybody may open: {found}",
        f"end it with @refs/tags/v{re.escape(version)}",
    )


def _of_mail(path: str, texts: Language, matched: str) -> Iterator[Finding]:
    local, _, domain = matched.rpartition("@")
    wider = _first(texts, f"{local}@{domain}.evil.test", f"{local}@evil-{domain}",
                   f"{local}@evil{domain}", "zz-evil@evil.test")  # fmt: skip
    hint = f'write each address: identity = "{local}@{domain}"'
    if wider is not None:
        yield warning(
            "lint.regexp-open", path, f"it also matches addresses of other domains: {wider}", hint
        )
    elif _first(texts, f"zz-other@{domain}") is not None:
        yield warning(
            "lint.owner-wide", path, f"anybody with an address at {domain} may sign", hint
        )
    elif (found := _first(texts, f"evil-{local}@{domain}", f"{local}-evil@{domain}")) is not None:
        yield warning("lint.regexp-open", path, f"it also matches another address: {found}", hint)


def _of_text(path: str, texts: Language, matched: str) -> Iterator[Finding]:
    found = _first(texts, f"{matched}/evil", f"{matched}-evil", f"{matched}.evil.test")
    if found is not None:
        yield warning(
            "lint.regexp-open",
            path,
            f"it also matches longer identities: {found}",
            "write the exact identity, or at least an end: `[a-z0-9-]+` instead of `.*`",
        )


def _first(texts: Language, *others: str) -> str | None:
    return next((other for other in others if texts.has(other)), None)

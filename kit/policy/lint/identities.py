"""What identities look like that certificate authorities of Sigstore's kind write.

By issuer where it is one of the well known: Fulcio derives the form of the subject from
it. Of any other issuer only the forms in general are known.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from kit.formats.rules import Signer
from kit.policy.builds import GITHUB_ISSUER
from kit.policy.lint import language
from kit.policy.lint.language import Language

_MAIL = r"[^@/ ]+@[^@/ ]+\.[^@/ ]+"
_GITHUB = r"https://github\.com/[A-Za-z0-9_-]+/[A-Za-z0-9._-]+/\.github/workflows/[^@/ ]+\.ya?ml@"
_GITLAB = r"https://gitlab\.com/[^@ /]+(/[^@ /]+)+//[^@ ]+\.ya?ml@"
_URI = r"[a-z][a-z0-9+.-]*://[^ ]+"
_USER = r"[^ @/]+![^ @/]+\.[^ @/]+"
_TAG, _REF = r"refs/tags/[^ @]*[^ @/]", r"(refs/[^ @]*[^ @/]|[0-9a-f]{40})"
#: An application of GitHub's own signs what runs without a workflow file.
_DYNAMIC = r"https://github\.com/[A-Za-z0-9_-]+/[A-Za-z0-9._-]+/dynamic/[^@ ]+@.+"

GITLAB_ISSUER = "https://gitlab.com"
#: The forms that an issuer's subjects have, the one that is most often meant first.
_FORMS: dict[str, tuple[str, ...]] = {
    GITHUB_ISSUER: (_GITHUB + _TAG, _GITHUB + _REF, _DYNAMIC),
    GITLAB_ISSUER: (_GITLAB + _TAG, _GITLAB + _REF),
    "https://accounts.google.com": (_MAIL,),
    "https://github.com/login/oauth": (_MAIL,),
    "https://login.microsoftonline.com": (_MAIL,),
    "https://oauth2.sigstore.dev/auth": (_MAIL,),
    "https://agent.buildkite.com": (r"https://buildkite\.com/[^/ ]+/[^ ]+",),
    "https://oidc.codefresh.io": (r"https://g\.codefresh\.io/.+",),
    "https://issuer.enforce.dev": (_URI, _MAIL),
}
_ANY = (_GITHUB + _TAG, _GITHUB + _REF, _GITLAB + _TAG, _GITLAB + _REF, _MAIL, _URI, _USER)

_WORKFLOW = re.compile(
    r"(?P<server>https://[^/@\s]+)/(?P<owner>[^/@\s]+)/(?P<name>[^/@\s]+)"
    r"/\.github/workflows/(?P<file>[^@\s]+)@(?P<ref>\S+)"
)
_PIPELINE = re.compile(
    r"(?P<server>https://[^/@\s]+)/(?P<owner>[^@\s]+)/(?P<name>[^/@\s]+)//(?P<file>[^@\s]+)@(?P<ref>\S+)"
)
_CLOSE = 0.93


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """The parts of a workflow's identity: of GitHub, or of a GitLab pipeline."""

    server: str
    owner: str
    name: str
    file: str
    ref: str
    pipeline: bool

    @property
    def repository(self) -> str:
        """The URL of the repository that the workflow's file is in."""
        return f"{self.server}/{self.owner}/{self.name}"

    def __str__(self) -> str:
        """Write it as a certificate does."""
        between = "//" if self.pipeline else "/.github/workflows/"
        return f"{self.repository}{between}{self.file}@{self.ref}"


def workflow(identity: str) -> Workflow | None:
    """Return the parts of a workflow's identity; ``None`` for any other."""
    for form, pipeline in ((_WORKFLOW, False), (_PIPELINE, True)):
        found = form.fullmatch(identity)
        if found is not None:
            return Workflow(pipeline=pipeline, **found.groupdict())
    return None


def forms(issuer: str) -> tuple[Language, ...]:
    """Return the forms that an issuer's identities have, as far as is known."""
    return tuple(language.of(form) for form in _FORMS.get(issuer, _ANY))


def is_known(issuer: str) -> bool:
    """Say whether it is known what this issuer's identities look like."""
    return issuer in _FORMS


def meant(issuer: str) -> str | None:
    """Return the well-known issuer that this one is a misspelling of, if it looks so."""
    if issuer in _FORMS:
        return None
    plain = re.sub(r"^(https?://)?", "https://", issuer.strip().lower().rstrip("/"))
    if plain in _FORMS:
        return plain
    if any(plain.startswith(f"{known}/") for known in _FORMS):
        return None  # an issuer of one enterprise has a path of its own
    return next(iter(difflib.get_close_matches(plain[:200], _FORMS, 1, _CLOSE)), None)


def of_host(issuer: str, texts: Language) -> str:
    """Return the issuer whose forms texts must have: of two hosts, no other's are like theirs."""
    if issuer in _FORMS:
        return issuer
    found = texts.common(language.of(_URI)) or ""
    hosts = {"https://github.com/": GITHUB_ISSUER, "https://gitlab.com/": GITLAB_ISSUER}
    return next((known for host, known in hosts.items() if found.startswith(host)), issuer)


def fits(issuer: str, identity: str) -> bool:
    """Say whether an identity has a form that the issuer's identities have."""
    return any(form.has(identity) for form in forms(issuer))


def described(issuer: str) -> str:
    """Return what an issuer's identities look like, for people."""
    if issuer == GITHUB_ISSUER:
        return "https://github.com/OWNER/REPOSITORY/.github/workflows/FILE.yml@refs/tags/TAG"
    if issuer == GITLAB_ISSUER:
        return "https://gitlab.com/GROUP/PROJECT//.gitlab-ci.yml@refs/tags/TAG"
    if _FORMS.get(issuer) == (_MAIL,):
        return "somebody@example.org"
    return "a workflow's URL with its ref, an e-mail address, a URI, or USER!DOMAIN"


def key_of(signer: Signer) -> tuple[str, ...] | None:
    """Return what makes an exact signer distinct, as policy counts; ``None`` for a regexp."""
    if signer.identity is not None:
        who = signer.identity
        whole = who.startswith("https://")
        return (signer.issuer, who.partition("@")[0] if whole else who)
    if signer.key is not None:
        return ("key", signer.key)
    if signer.npm_keys is not None:
        return ("npm-keys", signer.npm_keys, signer.registry)
    return None if signer.openpgp is None else ("openpgp", signer.openpgp)

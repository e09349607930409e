"""Read who may sign, and who must have sealed a pack, as the release file writes them.

The JSON Schema has been asked already: here is what it cannot say. Every error begins with the
path of the offending key.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from kit.errors import MalformedError
from kit.formats.custody import Role
from kit.formats.rules import CustodyRule, Signer

#: The forms of a signer, and the keys that say nothing of each.
_IDLE: Mapping[str, tuple[str, ...]] = {
    "identity": ("accept-expired", "registry"),
    "identity-regexp": ("accept-expired", "registry"),
    "key": ("accept-expired", "registry"),
    "openpgp": ("trusted-root", "registry"),
    "npm-keys": (),
}


def signer(name: str, given: Mapping[str, Any], path: str) -> Signer:
    """Read ``[signers.NAME]``."""
    forms = [form for form in _IDLE if form in given]
    if len(forms) != 1:
        raise MalformedError(f"{path}: needs exactly one of {', '.join(_IDLE)}")
    form = forms[0]
    certified = form.startswith("identity")
    if certified != ("issuer" in given):
        raise MalformedError(
            f"{path}.issuer: is missing; anybody's identity provider could name that identity"
            if certified
            else f"{path}.issuer: says nothing of a signer by {form}"
        )
    for idle in _IDLE[form]:
        if idle in given:
            raise MalformedError(f"{path}.{idle}: says nothing of a signer by {form}")
    return Signer(
        name=name,
        issuer=given.get("issuer", ""),
        identity=given.get("identity"),
        identity_regexp=_regexp(given["identity-regexp"], f"{path}.identity-regexp")
        if form == "identity-regexp"
        else None,
        key=given.get("key"),
        openpgp=fingerprint(given["openpgp"], f"{path}.openpgp") if form == "openpgp" else None,
        npm_keys=given.get("npm-keys"),
        registry=given.get("registry", ""),
        accept_expired=given.get("accept-expired", False),
        trusted_root=given.get("trusted-root", "sigstore"),
    )


def fingerprint(text: str, path: str) -> str:
    """Return a full OpenPGP fingerprint (v4: 40 hex digits, v6: 64) in upper case."""
    plain = text.replace(" ", "").upper()
    if re.fullmatch(r"[0-9A-F]{40}|[0-9A-F]{64}", plain) is None:
        raise MalformedError(
            f"{path}: {text!r} is not a full fingerprint of 40 or 64 hex digits; short key ids "
            "can be made to collide"
        )
    return plain


def _regexp(pattern: str, path: str) -> re.Pattern[str]:
    if not pattern:
        raise MalformedError(f"{path}: is empty, which would match nobody or anybody")
    try:
        with warnings.catch_warnings():
            # What `re` warns of today (`[[a]`, `[a--b]`) it will read otherwise one day.
            warnings.simplefilter("error")
            compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise MalformedError(f"{path}: does not compile: {error}") from error
    if compiled.fullmatch(""):
        raise MalformedError(f"{path}: matches the empty string, so it names nobody")
    return compiled


def declared(
    names: str | Iterable[str], signers: Mapping[str, Signer], path: str
) -> tuple[Signer, ...]:
    """Return the signers of these names, or of the one; refuse what no ``[signers]`` declares."""
    given = [names] if isinstance(names, str) else names
    for name in given:
        if name not in signers:
            known = ", ".join(sorted(signers)) or "none is declared"
            raise MalformedError(f"{path}: no signer {name!r} under [signers] ({known})")
    return tuple(signers[name] for name in given)


def custody(given: Mapping[str, Any], signers: Mapping[str, Signer], path: str) -> CustodyRule:
    """Read one ``[[custody]]``."""
    by = declared(given["signer"], signers, f"{path}.signer")
    for who in by:
        if who.key is None and who.openpgp is None:
            raise MalformedError(
                f"{path}.signer: {who.name!r} is known by its certificate, and packs are sealed "
                "with keys; name a signer with `key` or `openpgp`"
            )
    return CustodyRule(role=Role(given["role"]), signers=by)

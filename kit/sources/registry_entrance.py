"""Being let in by a registry: the token flow, and Basic (distribution, "Token Authentication").

A registry that wants to know who asks answers 401 with a challenge. What it challenges for
is not taken from there: a token is asked for the one repository, to pull from it or also to
push. The login goes to the registry, or to where its tokens may come from
(:mod:`kit.sources.registry_access`), over TLS or loopback, and a token to the registry alone.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from urllib.parse import quote, urlencode

from kit.errors import MachineError, MalformedError, UsageError
from kit.formats import challenge, token_answer
from kit.formats.challenge import Challenge
from kit.formats.docker_config import Login
from kit.formats.oci_reference import DOCKER_HUB
from kit.sources import urls
from kit.sources.failures import failure
from kit.sources.http import Answer, Client, Fetched, Want
from kit.sources.registry_access import Access, Reached
from kit.sources.urls import Url

PULL = "pull"
PUSH = "pull,push"
_SECONDS = 60.0
_MAX_ANSWER = 8 << 20
_CLIENT = "airgap-kit"
_FORM = "application/x-www-form-urlencoded"


class Entrance:
    """What gets this operator into one repository; threads may share it."""

    def __init__(self, reached: Reached, actions: str, access: Access, client: Client) -> None:
        """Ask for nothing yet: who is let in unasked sends nothing."""
        self._reached = reached
        self._scope = f"repository:{reached.path}:{actions}"
        self._access = access
        self._client = client
        self._lock = threading.Lock()
        self._header: str | None = None

    @property
    def header(self) -> str | None:
        """The ``Authorization`` header that is in force, if one was needed."""
        return self._header

    def open(self, url: str, refused: str | None, said: Answer | None = None) -> str | None:
        """Return another header than the one that was ``refused`` at a URL of the registry.

        ``said`` is the answer that refused it, where that is known. ``None`` where the
        registry does not say how to be let in. Raises :class:`MachineError` where it asks
        for what is not here, or must not be sent.
        """
        with self._lock:
            if self._header == refused:
                answer = said or self._asked(url)
                if answer.status != 401:
                    return None
                self._header = self._answered(url, answer)
            return self._header

    def _asked(self, url: str) -> Answer:
        """Ask as nobody, to be told what is wanted; some places know no HEAD."""
        answer = self._client.ask("HEAD", url, limit=0, within=_SECONDS)
        if answer.status in (404, 405, 501):
            return self._client.ask("GET", url, limit=_MAX_ANSWER, within=_SECONDS)
        return answer

    def _answered(self, url: str, answer: Answer) -> str:
        here = urls.parse(url)
        try:
            asked = challenge.parse(answer.headers.getlist("www-authenticate"))
        except MalformedError as error:
            raise failure("unexpected", here, f"{error.message}") from error
        by_scheme = {one.scheme: one for one in reversed(asked)}
        if "bearer" in by_scheme:
            return self._bearer(here, answer, by_scheme["bearer"])
        if "basic" in by_scheme:
            login = self._login(here)
            if login is None or login.is_identity_token:
                raise self._unknown(here)
            return login.basic
        raise failure("unauthorized", here, "it wants to know who asks, in no way known here")

    # ---- tokens

    def _bearer(self, here: Url, answer: Answer, asked: Challenge) -> str:
        realm = self._realm(here, asked.parameters.get("realm", ""))
        login = self._login(realm)
        said = {"scope": self._scope}
        if "service" in asked.parameters:
            said = {"service": asked.parameters["service"]} | said
        named_by = None
        if not self._access.names_token_host(self._reached.base, realm):
            # A server outside may send us no further inward than its redirects could.
            named_by = Fetched(url=here.public, size=0, sha256="", reach=answer.reach)
        want = Want(accept="application/json", named_by=named_by)
        if login is not None and login.is_identity_token:
            said |= {
                "grant_type": "refresh_token",
                "client_id": _CLIENT,
                "refresh_token": login.secret,
            }
            want = replace(want, body=urlencode(said).encode(), media_type=_FORM)
            return self._token(realm, realm.full, want)
        if login is not None:
            want = replace(want, authorization=login.basic)
        query = urlencode(said, quote_via=quote, safe=":/,")
        return self._token(realm, f"{realm.full}{'&' if realm.query else '?'}{query}", want)

    def _realm(self, here: Url, text: str) -> Url:
        try:
            realm = urls.parse(text)
        except UsageError as error:
            raise failure("unexpected", here, f"its realm: {error.message}") from error
        if not self._access.may_give_tokens(self._reached.base, realm):
            host = self._reached.base.authority
            raise MachineError(
                f"{host}: its tokens are said to come from {realm.public}, which is elsewhere",
                code="machine.realm",
                subject=here.public,
                hint="nothing was sent there; if that is the registry's own token server, say "
                f"--token-host {host}={realm.authority}",
            )
        return realm

    def _token(self, realm: Url, url: str, want: Want) -> str:
        limit = token_answer.MAX_BYTES
        try:
            got = self._client.read(url, limit=limit, within=_SECONDS, want=want)
            if got is None:
                raise failure("unexpected", realm, "there are no tokens there")
            return f"Bearer {token_answer.parse(got[1])}"
        except MalformedError as error:
            raise failure("unexpected", realm, f"no token server: {error.message}") from error
        except MachineError as error:
            if error.code == "machine.unauthorized":
                error.hint = f"the login for {self._reached.registry} may be wrong or expired"
            raise

    # ---- who asks

    def _login(self, to: Url) -> Login | None:
        """Return the login, unless everybody on the way to ``to`` could read it."""
        if to.scheme != "https" and not to.is_loopback:
            return None
        return self._access.login(self._reached.registry)

    def _unknown(self, here: Url) -> MachineError:
        error = failure("unauthorized", here, "it wants a login")
        error.hint = f"log in as Docker does: docker login {self._server}"
        return error

    @property
    def _server(self) -> str:
        named = self._reached.registry
        return "" if named == DOCKER_HUB else named

"""A container registry, as the OCI distribution specification 1.1 has it, to pull from.

It may know the referrers API or not, want a login by the token flow or by Basic, keep its
blobs on another host, and lie in every way that :meth:`Place.fault` can say.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from tests.lab.hostile_http import Request
from tests.lab.places.server import Place, Reply
from tests.lab.shelf import INDEX, Blob, Document, Shelf, listing

USER, PASSWORD, TOKEN = "jo", "s3cr3t-p4ss", "t0k3n.for-pulling"


def basic(user: str = USER, password: str = PASSWORD) -> str:
    """Return the header of a login."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


class Storage(Place):
    """Where a registry may keep its blobs: another origin, which is sent no credential."""

    def __init__(self, shelf: Shelf) -> None:
        """Serve the blobs of a shelf."""
        super().__init__()
        self.shelf = shelf

    def answer(self, request: Request) -> Reply:
        """Answer with a blob, where the link is signed."""
        blob = self.shelf.blobs.get(request.path.rpartition("/")[2])
        if blob is None or "signature=" not in request.target:
            return Reply.missing()
        return Reply.file(blob.raw, request)


class TokenServer(Place):
    """Gives out tokens, to everybody or to who logs in."""

    def __init__(self, *, login: bool = False) -> None:
        """Demand a login or not."""
        super().__init__()
        self.login = login

    def answer(self, request: Request) -> Reply:
        """Answer with a token."""
        return token(request, login=self.login)


def token(request: Request, *, login: bool) -> Reply:
    """Answer as a token server does."""
    if login and request.values("authorization") != [basic()]:
        return Reply(status=401)
    return Reply.json({"token": TOKEN, "expires_in": 300}, "application/json")


class Registry(Place):
    """A registry of one repository, ``name``, to pull from and to push to.

    ``others`` are more repositories, by name, to pull from.
    ``auth`` is ``""``, ``"basic"``, ``"token"`` (anybody gets one) or ``"token-login"``;
    ``realm`` is where tokens come from, its own ``/token`` by default.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        referrers: bool = True,
        auth: str = "",
        realm: str = "",
        storage: Storage | None = None,
        tls: ssl.SSLContext | None = None,
        others: Mapping[str, Shelf] | None = None,
        name: str = "acme/tool",
    ) -> None:
        """Serve a shelf."""
        super().__init__(tls=tls)
        self.name = name
        self.shelf = shelf
        self.others = dict(others or {})
        self.has_referrers = referrers
        self.auth = auth
        self.realm = realm
        self.storage = storage
        self.page_size = 0
        #: What the referrers API does not know of.
        self.unlisted: set[str] = set()
        #: What it says it took and forgets: digests and tags.
        self.forgets: set[str] = set()
        #: Where uploads are sent to, if not here.
        self.uploads_at = ""

    @property
    def host(self) -> str:
        """Its name in references."""
        return f"127.0.0.1:{self.port}"

    @property
    def repository(self) -> str:
        """Its one repository."""
        return f"{self.host}/{self.name}"

    def path(self, kind: str, reference: str) -> str:
        """Return the path of a manifest, blob or list of referrers."""
        return f"/v2/{self.name}/{kind}/{reference}"

    def _truth(self, request: Request) -> Reply:
        if request.path == "/token":
            return token(request, login=self.auth == "token-login")
        refused = self._refused(request)
        return refused or self.answer(request)

    def _refused(self, request: Request) -> Reply | None:
        if not self.auth:
            return None
        said = request.values("authorization")
        if self.auth == "basic":
            challenge = 'Basic realm="the registry"'
            let_in = said == [basic()]
        else:
            realm = self.realm or f"http://{self.host}/token"
            scope = f"repository:{self.name}:pull,push"
            challenge = f'Bearer realm="{realm}",service="{self.host}",scope="{scope}"'
            let_in = said == [f"Bearer {TOKEN}"]
        body = b'{"errors":[{"code":"UNAUTHORIZED"}]}'
        headers = (f"WWW-Authenticate: {challenge}", "Content-Type: application/json")
        return None if let_in else Reply(status=401, body=body, headers=headers)

    def answer(self, request: Request) -> Reply:
        """Answer as the specification says."""
        _, _, *name, kind, reference = unquote(request.path).split("/")
        if kind == "uploads":
            _, _, *name, kind, _, reference = unquote(request.path).split("/")
        shelf = self.others.get("/".join(name))
        if name == self.name.split("/"):
            shelf = self.shelf
        if shelf is None:
            return _unknown("NAME_UNKNOWN")
        if request.method in ("POST", "PUT"):
            return self._taken(request, kind, reference)
        if kind == "manifests":
            return self._manifest(shelf, request, reference)
        if kind == "blobs":
            return self._blob(shelf, request, reference)
        if kind == "referrers" and self.has_referrers:
            return self._referrers(shelf, request, reference)
        return _unknown("UNSUPPORTED")

    def _manifest(self, shelf: Shelf, request: Request, reference: str) -> Reply:
        document = shelf.documents.get(shelf.tags.get(reference, reference))
        accepted = ",".join(request.values("accept"))
        if document is None or document.media_type not in accepted:
            return _unknown("MANIFEST_UNKNOWN")
        return sent(document)

    def _blob(self, shelf: Shelf, request: Request, digest: str) -> Reply:
        blob = shelf.blobs.get(digest)
        if blob is None:
            return _unknown("BLOB_UNKNOWN")
        if self.storage is not None:
            return Reply.moved(self.storage.url(f"/{digest}?signature=s1gn3d"), 307)
        return Reply.file(blob.raw, request)

    def _referrers(self, shelf: Shelf, request: Request, digest: str) -> Reply:
        known = [d for d in shelf.referrers(digest) if d.digest not in self.unlisted]
        value = json.loads(listing(known).raw)
        headers = [f"Content-Type: {INDEX}"]
        if self.page_size:
            at = int("".join(parse_qs(request.target.partition("?")[2]).get("at", ["0"])))
            listed = value["manifests"]
            value["manifests"] = listed[at : at + self.page_size]
            if at + self.page_size < len(listed):
                here = self.path("referrers", digest)
                headers.append(f'Link: <{here}?at={at + self.page_size}>; rel="next"')
        return Reply(body=json.dumps(value).encode(), headers=tuple(headers))

    def _taken(self, request: Request, kind: str, reference: str) -> Reply:
        if request.method == "POST":
            where = self.uploads_at or self.url("")
            location = f"{where}{self.path('blobs', 'uploads/')}1?state=x"
            return Reply(status=202, headers=(f"Location: {location}",))
        raw, media_type = request.body, "".join(request.values("content-type"))
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        if kind == "blobs":
            if f"digest={digest}" not in unquote(request.target):
                return Reply(status=400)
            if digest not in self.forgets:
                self.shelf.blobs[digest] = Blob(media_type, raw)
            return Reply(status=201)
        value = json.loads(raw)
        subject = value.get("subject")
        about = None if subject is None else self.shelf.documents[subject["digest"]]
        if digest not in self.forgets:
            self.shelf.documents[digest] = Document(media_type, raw, subject=about)
            if reference != digest and reference not in self.forgets:
                self.shelf.tags[reference] = digest
        listed = subject is not None and self.has_referrers
        return Reply(status=201, headers=(f"OCI-Subject: {subject['digest']}",) if listed else ())


def sent(document: Document) -> Reply:
    """Answer with a document."""
    headers = (f"Content-Type: {document.media_type}", f"Docker-Content-Digest: {document.digest}")
    return Reply(body=document.raw, headers=headers)


def _unknown(code: str) -> Reply:
    return Reply.json({"errors": [{"code": code, "message": "unknown"}]}, "application/json", 404)

"""Sending to a repository: blobs, manifests, tags (OCI distribution 1.1, "Push").

A blob goes up in one piece, to where the registry says, on its own origin. What is there
already is not sent again, and nothing is believed for having been sent: :meth:`Upload.confirm`
fetches it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from kit.errors import MachineError, UsageError
from kit.formats import oci_manifest, oci_reference, strictjson
from kit.formats.oci_manifest import Descriptor, Index
from kit.formats.oci_reference import Repository
from kit.model import Digest
from kit.sources import urls
from kit.sources.connections import Body
from kit.sources.failures import failure, refusal
from kit.sources.hops import MOVED
from kit.sources.http import Answer, Client, Want
from kit.sources.registry import Document, Registry
from kit.sources.registry_access import Access
from kit.sources.registry_entrance import PUSH

_OCTETS = "application/octet-stream"
_MAX_ANSWER = 1 << 20


class Upload:
    """One repository that is sent to; threads may share it."""

    def __init__(self, repository: Repository, access: Access, client: Client) -> None:
        """Ask for nothing yet."""
        self._registry = Registry(repository, access, client, PUSH)
        self.place = self._registry.reached.url().rstrip("/")

    # ---- what is there

    def resolve(self, tag: str) -> Document | None:
        """Return what a tag points to now."""
        return self._registry.resolve(tag)

    def has(self, blob: Descriptor) -> bool:
        """Say whether the registry says that it has a blob."""
        url = self._registry.reached.url("blobs", str(blob.digest))
        answer = self._ask("HEAD", url)
        # A registry that keeps its blobs elsewhere answers with a redirect of one that it has.
        if answer.status not in (200, 404, *MOVED):
            raise refusal(answer.status, urls.parse(url), _One(answer))
        return answer.status != 404

    # ---- what is sent

    def blob(self, blob: Descriptor, read: Callable[[], Iterable[bytes]]) -> None:
        """Send a blob; ``read`` begins to read it, as often as it must be sent."""
        start = self._registry.reached.url("blobs", "uploads/")
        opened = self._ask("POST", start, lambda: b"", _OCTETS, 0)
        self._demand(opened, start)
        there = self._upload(start, opened, blob.digest)
        sent = self._ask("PUT", there, read, _OCTETS, blob.size)
        self._demand(sent, there)

    def manifest(self, reference: str, raw: bytes, media_type: str) -> bool:
        """Send a manifest; say whether the registry itself lists it under its subject."""
        url = self._registry.reached.url("manifests", reference)
        sent = self._ask("PUT", url, lambda: raw, media_type, len(raw))
        self._demand(sent, url)
        return bool(sent.headers.getlist("oci-subject"))

    def list_referrer(self, subject: Digest, listed: Descriptor) -> None:
        """Add a manifest to the fallback tag's index, keeping what that lists already."""
        tag = oci_reference.referrers_tag(subject)
        found = self.resolve(tag)
        before = found.value.manifests if found and isinstance(found.value, Index) else ()
        if any(entry.digest == listed.digest for entry in before):
            return
        entries = [*map(_entry, before), _entry(listed)]
        index = {"schemaVersion": 2, "mediaType": oci_manifest.OCI_INDEX, "manifests": entries}
        self.manifest(tag, strictjson.canonical(index).rstrip(b"\n"), oci_manifest.OCI_INDEX)

    # ---- what is read back

    def confirm_blob(self, blob: Descriptor) -> None:
        """Fetch a blob to nowhere; raise where it is not there, or not these bytes."""
        if not self._registry.weigh(blob):
            raise self._unkept(str(blob.digest))

    def confirm_manifest(self, reference: str, wanted: Descriptor) -> None:
        """Fetch a manifest by digest or tag; raise where it is not there, or another."""
        found = (
            self._registry.document(wanted)
            if reference == str(wanted.digest)
            else self._registry.resolve(reference)
        )
        if found is None or found.digest != wanted.digest:
            raise self._unkept(reference)

    def confirm_referrer(self, subject: Digest, wanted: Descriptor) -> None:
        """Ask who refers to a manifest; raise where it is not told of ``wanted``."""
        listed = list(self._registry.referrers(subject) or ())
        found = self.resolve(oci_reference.referrers_tag(subject))
        if found is not None and isinstance(found.value, Index):
            listed += found.value.manifests
        if not any(entry.digest == wanted.digest for entry in listed):
            raise self._unkept(f"{wanted.digest} as a referrer of {subject}")

    def _unkept(self, what: str) -> MachineError:
        return MachineError(
            f"{self.place}: {what} was taken, and is not there",
            code="machine.not-kept",
            subject=self.place,
            hint="push again; if it stays so, ask whoever runs the registry",
        )

    # ---- one request

    def _ask(
        self,
        method: str,
        url: str,
        body: Callable[[], Body] | None = None,
        media_type: str = "",
        size: int = 0,
    ) -> Answer:
        """Send a request, once more with what the registry asks for if it does not know us."""
        said = (("Content-Length", f"{size}"), ("Content-Type", media_type)) if body else ()
        want = Want(headers=said)
        header = self._registry.entrance.header

        def once(header: str | None) -> Answer:
            given = None if body is None else body()
            asked = replace(want, authorization=header)
            return self._registry.client.ask(method, url, limit=_MAX_ANSWER, want=asked, body=given)

        answer = once(header)
        if answer.status != 401:
            return answer
        opened = self._registry.entrance.open(url, header, answer)
        return answer if opened is None else once(opened)

    def _upload(self, start: str, opened: Answer, digest: Digest) -> str:
        """Return where the bytes go: the registry's ``Location``, on its own origin."""
        here, locations = urls.parse(start), opened.headers.getlist("location")
        try:
            there = urls.follow(here, locations[0]) if len(locations) == 1 else None
        except UsageError as error:
            raise failure("unexpected", here, f"an upload to {error.message}") from error
        if there is None:
            raise failure("unexpected", here, f"an upload with {len(locations)} Locations")
        if there.origin != here.origin:
            raise failure("redirect", here, f"the upload would go to {there.public}")
        return f"{there.full}{'&' if there.query else '?'}digest={digest}"

    def _demand(self, answer: Answer, url: str) -> None:
        # Any success will do: what is there is fetched back and compared in the end.
        if 200 <= answer.status < 300:
            return
        here = urls.parse(url)
        error = refusal(answer.status, here, _One(answer))
        if answer.status in (401, 403):
            error.hint = f"a login that may push is needed: docker login {here.authority}"
        raise error


class _One:
    """An answer's headers, one value each, as :func:`refusal` reads them."""

    def __init__(self, answer: Answer) -> None:
        self._headers = answer.headers

    def get(self, key: str, /) -> str | None:
        values = self._headers.getlist(key)
        return values[0] if values else None


def _entry(part: Descriptor) -> dict[str, object]:
    entry: dict[str, object] = {
        "mediaType": part.media_type,
        "digest": str(part.digest),
        "size": part.size,
    }
    if part.artifact_type is not None:
        entry["artifactType"] = part.artifact_type
    if part.annotations:
        entry["annotations"] = dict(part.annotations)
    return entry

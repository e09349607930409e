"""The assets of a release on GitHub: which a line takes, which are evidence, and their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kit.formats import github_answers, kinds
from kit.formats.github_answers import Asset
from kit.formats.release_line import Line
from kit.model import Answer, Asked, Found
from kit.sources import urls
from kit.sources.failures import failure
from kit.sources.github_api import Api
from kit.sources.http import Fetched
from kit.sources.together import each

MAX_ASSETS = 1000  # what GitHub allows in a release
MAX_ARTIFACT = 64 << 30
MAX_EVIDENCE = 16 << 20
_NOT_NAMED = "the line does not name it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One source being gathered. ``line`` is ``None`` where only evidence is looked for."""

    tag: str
    api: Api
    line: Line | None
    known: Mapping[str, Found]

    def takes(self, name: str) -> bool:
        """Say whether an asset is one of the line's artifacts."""
        return self.line is not None and self.line.takes(name)

    def concerns(self, name: str) -> bool:
        """Say whether evidence about a file of this name is wanted."""
        return self.takes(name) or (self.line is None and name in self.known)


def listed_assets(asking: Asking, url: str) -> tuple[dict[str, Asset], Fetched]:
    """Return all assets by name, and the page that names the last of them."""
    listed: dict[str, Asset] = {}
    last: Fetched | None = None
    for page, assets in asking.api.pages(f"{url}?per_page=100", github_answers.assets):
        for asset in assets:
            if listed.setdefault(asset.name, asset) != asset:
                raise failure("unexpected", urls.parse(url), f"two assets are {asset.name!r}")
        if len(listed) > MAX_ASSETS:
            raise failure("too-large", urls.parse(url), f"more than {MAX_ASSETS} assets")
        last = page
    if last is None:
        raise failure("unexpected", urls.parse(url), "the release is there, and its assets are not")
    return dict(sorted(listed.items())), last


def wanted_files(
    asking: Asking, listed: Mapping[str, Asset], page: Fetched
) -> tuple[tuple[Found, ...], tuple[Found, ...], list[Asked]]:
    """Fetch artifacts and evidence; return both, and a row for every asset."""
    wanted = {name: asset for name, asset in listed.items() if _wanted(asking, name, listed)}
    for asset in wanted.values():
        if not asset.uploaded:
            url = asking.api.url("releases", "assets", f"{asset.number}")
            raise failure("unexpected", urls.parse(url), f"{asset.name} is not uploaded yet")
    replies = dict(
        zip(
            wanted,
            each(lambda asset: _fetched(asking, asset, page), list(wanted.values())),
            strict=True,
        )
    )
    place = asking.api.url("releases", "tags", asking.tag)
    rows = [_row(place, name, replies.get(name)) for name in listed]
    missing = () if asking.line is None else asking.line.names
    rows += [
        Asked(place=place, wanted=name, answer=Answer.ABSENT)
        for name in missing
        if name not in listed
    ]
    found = [reply for reply in replies.values() if reply is not None]
    artifacts = tuple(item for item in found if asking.takes(item.name))
    return artifacts, tuple(item for item in found if item not in artifacts), rows


def _wanted(asking: Asking, name: str, listed: Mapping[str, Asset]) -> bool:
    """Say whether an asset is fetched: an artifact, or what may be evidence about one."""
    if asking.takes(name):
        return True
    if kinds.by_name(name) is None:
        # Signers also write `attestation.json`: what it is shows when it is there.
        return name.endswith(kinds.LOOKED_INTO) and listed[name].size <= MAX_EVIDENCE
    target = kinds.named_after(name)
    if target is None or target not in listed:
        return True
    return asking.concerns(target) or (
        kinds.by_name(target) is not None and _wanted(asking, target, listed)
    )


def _fetched(asking: Asking, asset: Asset, page: Fetched) -> Found | None:
    """Fetch an asset; ``None`` for one that turns out to be no evidence."""
    is_artifact = asking.takes(asset.name)
    limit = MAX_ARTIFACT if is_artifact else MAX_EVIDENCE
    url = urls.parse(asking.api.url("releases", "assets", f"{asset.number}"))
    if asset.size > limit:
        what = f"{asset.name} has {asset.size} bytes, over the limit of {limit}"
        raise failure("too-large", url, what)
    got = asking.api.asset(asset, page)
    if not is_artifact and kinds.by_content(asset.name, got.path.read_bytes()) is None:
        return None
    return Found(name=asset.name, path=got.path, size=got.size, sha256=got.sha256)


def _row(place: str, name: str, found: Found | None) -> Asked:
    if found is None:
        return Asked(place=place, wanted=name, answer=Answer.SKIPPED, note=_NOT_NAMED)
    return Asked(place=place, wanted=name, answer=Answer.FOUND, sha256=found.sha256)

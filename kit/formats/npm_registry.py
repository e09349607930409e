"""The public npm registry's address, which packageurl knows."""

from __future__ import annotations

from functools import cache


@cache
def public() -> str:
    """Return the public registry's URL, with its slash: where its tarballs are."""
    from packageurl.contrib import purl2url  # noqa: PLC0415 - only where it is asked

    tarball = purl2url.get_download_url("pkg:npm/name@1.0.0")  # type: ignore[no-untyped-call]
    base, found, _ = str(tarball).partition("name/-/")
    if not found:
        raise AssertionError("packageurl knows no address of npm")
    return base

"""Equal inputs and an equal SOURCE_DATE_EPOCH give equal bytes, whoever collects, wherever."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Site

EPOCH = {"SOURCE_DATE_EPOCH": "1767225600"}
#: The same person to the kernel's file permissions, another user to the program.
ANOTHER_USER = ("unshare", "-U", "--map-user=1234", "--map-group=1234")


def collected(site: Site, **options: object) -> bytes:
    """Collect and return the pack's bytes."""
    env = EPOCH | dict(options.pop("env", {}))  # type: ignore[call-overload]
    ran = site.collect(env=env, **options)
    assert ran.status == 0, ran.err
    return (site.folder / "tool-1.0.pack.tar").read_bytes()


def test_k048_folder_umask_time_zone_and_locale_do_not_matter(site: Site, tmp_path: Path) -> None:
    elsewhere = Site(tmp_path / "else where" / "deep")
    shutil.copytree(site.folder / "downloads", elsewhere.folder / "downloads", dirs_exist_ok=True)
    one = collected(site, umask=0o022, env={"TZ": "UTC", "LC_ALL": "C"})
    other = collected(elsewhere, umask=0o077, env={"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7"})
    assert one == other


def test_file_times_and_modes_do_not_matter(site: Site, tmp_path: Path) -> None:
    one = collected(site)
    for path in (site.folder / "downloads").iterdir():
        os.utime(path, (0, 0))
        path.chmod(0o600)
    (site.folder / "tool-1.0.pack.tar").unlink()
    assert collected(site) == one


@pytest.mark.skipif(
    subprocess.run([*ANOTHER_USER, "true"], capture_output=True, check=False).returncode != 0,
    reason="unshare --map-user does not work here (util-linux, user namespaces)",
)
def test_k048_another_user_writes_the_same_pack(site: Site) -> None:
    one = collected(site)
    (site.folder / "tool-1.0.pack.tar").unlink()
    assert collected(site, under=ANOTHER_USER, umask=0o077) == one


def test_reports_are_equal_byte_for_byte(site: Site) -> None:
    collected(site)
    at = ("--at", "2026-01-02T00:00:00Z")
    runs = [site.check("tool-1.0.pack.tar", *at, env={"PYTHONHASHSEED": seed}) for seed in "12"]
    assert runs[0].out == runs[1].out


def test_an_interrupted_collect_keeps_the_date_of_its_first_start(site: Site) -> None:
    working = site.folder / "tool-1.0.pack.tar.collecting"
    (site.folder / "downloads/tool-1.0.tar.gz").rename(site.folder / "away")
    assert site.collect().status in (1, 5)
    # Leave a state as a killed collect would: the first start was in 2026.
    shutil.rmtree(working, ignore_errors=True)
    (site.folder / "away").rename(site.folder / "downloads/tool-1.0.tar.gz")
    for path in site.folder.glob("*.tar"):
        path.unlink()
    import hashlib  # noqa: PLC0415

    release = hashlib.sha256((site.folder / "release.toml").read_bytes()).hexdigest()
    working.mkdir()
    (working / "state.json").write_text(
        f'{{"release":"{release}","started-at":"2026-02-03T04:05:06Z"}}\n', encoding="utf-8"
    )
    ran = site.collect()
    assert ran.status == 0
    assert ran.document["results"][0]["report"]["collected-at"] == "2026-02-03T04:05:06Z"
    assert not working.exists()


def test_a_state_of_another_release_file_is_thrown_away(site: Site) -> None:
    working = site.folder / "tool-1.0.pack.tar.collecting"
    working.mkdir()
    (working / "state.json").write_text(
        f'{{"release":"{"0" * 64}","started-at":"2026-02-03T04:05:06Z"}}\n', encoding="utf-8"
    )
    ran = site.collect()
    assert ran.status == 0
    assert ran.document["results"][0]["report"]["collected-at"] != "2026-02-03T04:05:06Z"


def test_a_wrong_epoch_is_wrong_usage(site: Site) -> None:
    for text in ("yesterday", "-1", "9" * 30):
        assert site.collect(env={"SOURCE_DATE_EPOCH": text}).status == 2


def test_a_pack_is_checked_by_hand_with_stock_tools(site: Site, tmp_path: Path) -> None:
    collected(site)
    subprocess.run(["tar", "xf", site.folder / "tool-1.0.pack.tar"], cwd=tmp_path, check=True)
    done = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "artifacts/tool-1.0.tar.gz: OK" in done.stdout

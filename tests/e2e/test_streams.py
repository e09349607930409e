"""Statuses are the command's own, whatever its streams, its locale or a signal do to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.e2e.conftest import LINE, Site

CHECK = ("check", "tool-1.0.pack.tar", "--policy", "release.toml")
#: Not there, so the status is 2.
NOWHERE = ("check", "nope", "--policy", "release.toml")


def shell(site: Site, arguments: tuple[str, ...], streams: str, **env: str) -> int:
    """Run the kit under bash with its streams redirected; return its status."""
    kit = f"{sys.executable} -m kit {' '.join(arguments)} {streams}"
    done = subprocess.run(
        ["bash", "-c", f'{kit}; exit "${{PIPESTATUS[0]}}"'],
        cwd=site.folder,
        env=os.environ | site.settings | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


@pytest.fixture
def packed(site: Site) -> Site:
    """Collect the release."""
    assert site.collect().status == 0
    return site


def test_no_arguments_at_all_are_wrong_usage_answered_with_the_help(site: Site) -> None:
    ran = site.run()
    assert ran.status == 2
    assert "Usage: airgap-kit" in ran.out


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "2> >(true)", "2>&1 >/dev/null | true"])
def test_a_stderr_that_takes_nothing_changes_no_status(packed: Site, streams: str) -> None:
    assert shell(packed, CHECK, streams) == 0
    assert shell(packed, NOWHERE, streams) == 2


@pytest.mark.parametrize("more", [(), ("--format", "json")])
@pytest.mark.parametrize("streams", [">&-", ">/dev/full", ">&- 2>&-", "0>&- >&- 2>&-"])
def test_a_result_that_cannot_be_written_is_the_machines_failure(
    packed: Site, streams: str, more: tuple[str, ...]
) -> None:
    assert shell(packed, (*CHECK, *more), streams) == 5


@pytest.mark.parametrize("arguments", [CHECK, (*CHECK, "--format", "json"), ("check", "--help")])
def test_a_reader_that_left_ends_with_141(packed: Site, arguments: tuple[str, ...]) -> None:
    assert shell(packed, arguments, "| exec <&-; sleep 0") in (0, 141)
    assert shell(packed, arguments, "> >(exec <&-) ; true") == 0  # the shell's own
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "kit", *arguments],
        cwd=packed.folder,
        env=os.environ | packed.settings,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_a_name_that_the_terminal_cannot_show_is_escaped(site: Site, env: dict[str, str]) -> None:
    site.publish("größe-1.0.tgz", b"x")
    site.policy(LINE.replace("tool-1.0.tar.gz", "größe-1.0.tgz"))
    assert site.collect().status == 0
    ran = site.run(*CHECK, env=env)
    assert ran.status == 0
    assert "gr" in ran.out
    ran = site.run("extract", *CHECK[1:], "--to", "to", env=env)
    assert ran.status in (0, 5)  # 5 where no file can have the name


def test_a_sigterm_at_any_moment_gives_no_verdict(packed: Site) -> None:
    ended = set()
    for moment in range(16):
        process = subprocess.Popen(
            [sys.executable, "-m", "kit", *CHECK, "--format", "json"],
            cwd=packed.folder,
            env=os.environ | packed.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(0.05 + moment * 0.05)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert b"Traceback" not in err
        if process.returncode == 143:
            assert json.loads(out)["status"] == 143
        ended.add(process.returncode)
    assert ended <= {0, 143, -signal.SIGTERM}


@pytest.mark.parametrize(("number", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_where_python_drops_exceptions_still_ends_it(number: str, status: int) -> None:
    # The callbacks of weak references drop what they raise; the import machinery has some.
    program = f"""
import signal, time, weakref
from kit.cli import main

class Room: pass

def command(arguments):
    room = Room()
    watched = weakref.ref(room, lambda _: signal.raise_signal(signal.{number}))
    del room
    time.sleep(60)

main._command = command
main.main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_a_report_that_cannot_be_written_leaves_one_document(packed: Site) -> None:
    ran = packed.check("tool-1.0.pack.tar", "--report", "release.toml")
    assert ran.status == 5
    assert ran.document["results"][0]["error"]["code"] == "machine.failed"


def test_a_plan_is_a_document_too(site: Site) -> None:
    ran = site.collect("--plan")
    assert ran.status == 0
    assert ran.document["results"][0]["plan"][0] == "file:downloads"


def test_a_year_of_three_digits_is_written_with_four(packed: Site) -> None:
    ran = packed.check("tool-1.0.pack.tar", "--at", "0999-01-01T00:00:00Z")
    assert ran.document["results"][0]["report"]["at"] == "0999-01-01T00:00:00Z"


@pytest.mark.parametrize("epoch", ["0" * 5000, "9" * 5000, "01", "-1", "1e3", "²"])
def test_a_source_date_epoch_that_is_none_is_wrong_usage(site: Site, epoch: str) -> None:
    assert site.collect(env={"SOURCE_DATE_EPOCH": epoch}).status == 2


def test_a_path_that_is_too_long_is_wrong_usage(packed: Site) -> None:
    long = "a" * 300
    assert packed.check("tool-1.0.pack.tar", "--trust-roots", long).status == 2
    assert packed.check(env={"AIRGAP_KIT_TRUST_ROOTS": long}).status == 2
    assert packed.collect("-o", long).status == 2
    assert packed.collect("-o", f"{long}/p.pack.tar").status == 2


def test_a_pack_given_as_the_policy_is_told_apart(packed: Site) -> None:
    ran = packed.run("check", "release.toml", "--policy", "tool-1.0.pack.tar")
    assert ran.status == 2
    assert "this is a pack; the policy is your own copy of the release file" in ran.err
    ran = packed.run("check", "release.toml", "--policy", "release.toml")
    assert ran.status == 3
    assert "did you swap PACK and --policy?" in ran.err

"""What fetching costs beside curl: 500 small files and a large one, from loopback.

Both fetch the same files at once from the same server over as many connections; the kit
also hashes every byte and keeps its journal. The server is another process, and shares the
host's cores with both.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SMALL = 4096
_SERVER = "serve"
_FETCH = "fetch"


def serve(mebibytes: int) -> None:
    """Answer every path that ends in a number with a small file, and /large with a large one."""
    large = tempfile.TemporaryFile()  # noqa: SIM115 - the process's own, to its end
    large.truncate(mebibytes << 20)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        line, _ = listener.accept()
        threading.Thread(target=_answer, args=(line, large.fileno()), daemon=True).start()


def _answer(line: socket.socket, large: int) -> None:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    small, raw = b"s" * SMALL, b""
    while True:
        while b"\r\n\r\n" not in raw:
            more = line.recv(65536)
            if not more:
                return
            raw += more
        request, _, raw = raw.partition(b"\r\n\r\n")
        is_large = request.split(b" ", 2)[1] == b"/large"
        size = os.fstat(large).st_size if is_large else SMALL
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
        if not is_large:
            line.sendall(head + small)
            continue
        line.sendall(head)
        at = 0
        while at < size:
            at += os.sendfile(line.fileno(), large, at, min(size - at, 1 << 22))


def fetch(port: int, count: int, folder: str) -> None:
    """Fetch all with the kit, as a collect does; print the seconds and the peak memory."""
    from kit.sources.downloads import Downloads  # noqa: PLC0415
    from kit.sources.http import Client  # noqa: PLC0415
    from kit.sources.together import each  # noqa: PLC0415

    downloads = Downloads(Path(folder), Client())
    urls = list(_urls(port, count))
    began = time.perf_counter()
    each(lambda url: downloads.fetch(url, limit=1 << 40), urls)
    seconds = time.perf_counter() - began
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)


def _urls(port: int, count: int) -> Iterator[str]:
    base = f"http://127.0.0.1:{port}"
    yield f"{base}/large"
    yield from (f"{base}/{number}" for number in range(count))


@contextmanager
def _running(mebibytes: int) -> Iterator[int]:
    command = [sys.executable, __file__, _SERVER, str(mebibytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.kill()


def compare(mebibytes: int, count: int, at_once: int) -> None:
    """Print a line: the kit's throughput, curl's, and the ratio."""
    curl = shutil.which("curl")
    if curl is None:
        print("fetching  no curl here to compare with")
        return
    ours, theirs, peak = [], [], 0
    with _running(mebibytes) as port:
        for _ in range(3):  # by turns: a busy host slows both alike
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [sys.executable, __file__, _FETCH, str(port), str(count), folder],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                seconds, memory = done.stdout.split()
                ours.append(float(seconds))
                peak = max(peak, int(memory))
            with tempfile.TemporaryDirectory() as folder:
                config = "".join(
                    f'url = "{url}"\noutput = "{folder}/{number}"\n'
                    for number, url in enumerate(_urls(port, count))
                )
                began = time.perf_counter()
                subprocess.run(
                    [
                        curl,
                        "-sS",
                        "--no-progress-meter",
                        "--parallel",
                        "--parallel-max",
                        str(at_once),
                        "--config",
                        "-",
                    ],
                    input=config,
                    text=True,
                    check=True,
                )
                theirs.append(time.perf_counter() - began)
    size = (mebibytes << 20) + count * SMALL
    rate = size / min(ours) / (1 << 20)
    share = min(theirs) / min(ours)
    print(
        f"fetching  {min(ours):7.3f} s  {rate:6.0f} MiB/s  {share:5.0%} of curl's "
        f"throughput ({mebibytes} MiB and {count} files, {at_once} at once), {peak} MiB of memory"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    if sys.argv[1] == _SERVER:
        serve(int(sys.argv[2]))
    elif sys.argv[1] == _FETCH:
        fetch(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        compare(int(sys.argv[1]), int(sys.argv[2]), 8)

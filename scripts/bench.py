"""What `check` costs beyond the work that nobody can avoid.

Hashing: a pack with two large members, against a loop that hashes the same bytes with as
many threads. Bundles: a pack with many attested files, against sigstore-python called in
a bare loop on the same bundles: of Rekor v1, whose promise tells the time, and of Rekor v2,
with a timestamp. Both sides run in this process, after start-up. Fetching: 500 small files and
a large one from loopback, against curl. Images: one of twice that size from a registry, against
skopeo and cp.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bench_fetching
import bench_images

from kit.check import Options, check
from kit.collect import Request, collect
from kit.formats import release_file, trusted_root
from kit.formats.release_file import ReleaseFile
from kit.pack.reader import Pack
from kit.trust.anchors import Anchor
from tests.lab import AT, IDENTITY, ISSUER, Lab

CHUNK = 1 << 20
HEAD = 'schema = 1\nname = "bench"\nversion = "1.0"\n'
SIGNER = (
    f'[signers.release]\nissuer = "{ISSUER}"\nidentity = "{IDENTITY}"\ntrusted-root = "lab"\n'
    '[[artifact]]\nsource = "file:dl"\n[[artifact.require]]\nsigner = "release"\n'
)


def best(run: Callable[[], object], times: int = 3) -> float:
    """Return the least of several wall-clock times, in seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


def both(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Return the least times of two things run by turns: a busy host slows both alike."""
    times = [(best(one, 1), best(other, 1)) for _ in range(5)]
    return min(first for first, _ in times), min(second for _, second in times)


@contextmanager
def packed(release: ReleaseFile, files: dict[str, bytes | int]) -> Iterator[Path]:
    """Collect files into a pack; a number makes a sparse file of that many bytes."""
    with tempfile.TemporaryDirectory(prefix="airgap-kit-bench-") as name:
        base = Path(name)
        (base / "dl").mkdir()
        for file, content in files.items():
            with (base / "dl" / file).open("wb") as out:
                out.truncate(content) if isinstance(content, int) else out.write(content)
        working = base / "working"
        working.mkdir()
        out_path = base / "bench.pack.tar"
        request = Request(release=release, base=base, out=out_path, now=datetime.now(UTC))
        yield collect(request, working).path


def judge(path: Path, release: ReleaseFile, anchors: dict[str, Anchor], workers: int = 1) -> bool:
    """Check a pack; return whether it passed."""
    with Pack.open(path) as pack:
        options = Options(at=datetime.now(UTC), workers=workers)
        return check(pack, release, anchors, options).passed


def hashing(mebibytes: int) -> None:
    """Compare the hashing of two large members with a bare loop."""
    sizes = {"one-1.0.bin": mebibytes << 20, "two-1.0.bin": (mebibytes << 20) + 1}
    pins = "".join(
        f'[[artifact]]\nsource = "file:dl/{name}"\n[[artifact.require]]\n'
        f'digest = "sha256:{sparse_sha256(size)}"\n'
        for name, size in sizes.items()
    )
    release = release_file.parse((HEAD + pins).encode(), "bench")
    with packed(release, dict(sizes)) as path:
        assert judge(path, release, {})
        ours = best(lambda: judge(path, release, {}))
        descriptor = os.open(path, os.O_RDONLY)
        spans = [(0, mebibytes << 20), (mebibytes << 20, mebibytes << 20)]

        def reference() -> None:
            with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
                list(pool.map(lambda span: hash_span(descriptor, *span), spans))

        theirs = best(reference)
        os.close(descriptor)
    rate = (mebibytes / 512) / ours
    print(f"hashing   {ours:7.3f} s  {rate:5.2f} GiB/s  {ours / theirs:5.2f} x a bare loop")


def sparse_sha256(size: int) -> str:
    """Return the SHA-256 of that many zero bytes."""
    digest, zeros = hashlib.sha256(), bytes(CHUNK)
    for _ in range(size // CHUNK):
        digest.update(zeros)
    digest.update(zeros[: size % CHUNK])
    return digest.hexdigest()


def hash_span(descriptor: int, start: int, length: int) -> str:
    """Hash a part of a file."""
    digest = hashlib.sha256()
    for offset in range(start, start + length, CHUNK):
        digest.update(os.pread(descriptor, min(CHUNK, start + length - offset), offset))
    return digest.hexdigest()


def bundles(count: int, lab: Lab, rekor: str) -> None:
    """Compare the check of many attested files with sigstore-python in a bare loop."""
    from sigstore.models import Bundle, TrustedRoot  # noqa: PLC0415
    from sigstore.verify import Verifier  # noqa: PLC0415
    from sigstore.verify.policy import Identity  # noqa: PLC0415

    raw = lab.trusted_root()
    anchor = Anchor(instance="lab", raw=raw, root=trusted_root.parse(raw), origin="bench")
    files: dict[str, bytes | int] = {}
    for number in range(count):
        name = f"file-{number}-1.0.bin"
        files[name] = name.encode()
        files[f"{name}.sigstore.json"] = lab.attest({name: name.encode()}, at=AT, rekor=rekor)
    texts = [v for n, v in files.items() if n.endswith(".json") and isinstance(v, bytes)]
    release = release_file.parse((HEAD + SIGNER).encode(), "bench")
    with packed(release, files) as path, tempfile.NamedTemporaryFile() as root:
        root.write(raw)
        root.flush()
        verifier = Verifier(trusted_root=TrustedRoot.from_file(root.name))
        policy = Identity(identity=IDENTITY, issuer=ISSUER)

        def reference() -> None:
            for text in texts:
                verifier.verify_dsse(Bundle.from_json(text), policy)

        assert judge(path, release, {"lab": anchor})
        ours, theirs = both(lambda: judge(path, release, {"lab": anchor}), reference)
        spread = best(lambda: judge(path, release, {"lab": anchor}, os.cpu_count() or 1), 1)
    print(
        f"Rekor {rekor}  {ours:7.3f} s  {1000 * ours / count:5.2f} ms each  "
        f"{ours / theirs:5.2f} x sigstore-python alone; "
        f"{1000 * spread / count:5.2f} ms each with workers, their start included"
    )


def checking(path: Path, policy: Path) -> None:
    """Compare the check of an image's pack with a loop that hashes the same members."""
    release = release_file.parse(policy.read_bytes(), "bench")
    with Pack.open(path) as pack:
        sizes = [member.size for member in pack.manifest.members]
    descriptor = os.open(path, os.O_RDONLY)

    def reference() -> None:
        # What lies where is no matter to a hash: as many bytes in as many pieces.
        starts = [sum(sizes[:number]) for number in range(len(sizes))]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            spans = sorted(zip(starts, sizes, strict=True), key=lambda span: -span[1])
            list(pool.map(lambda span: hash_span(descriptor, *span), spans))

    assert judge(path, release, {})
    ours, theirs = both(lambda: judge(path, release, {}), reference)
    os.close(descriptor)
    print(f"its check {ours:7.3f} s  {ours / theirs:5.2f} x a loop that hashes the same members")


def main() -> int:
    """Run all and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024, help="size of each large member")
    parser.add_argument("--bundles", type=int, default=1000, help="number of attested files")
    wanted = parser.parse_args()
    hashing(wanted.mebibytes)
    bundles(wanted.bundles, Lab("bench"), "v1")
    bundles(wanted.bundles, Lab("bench", shape="full"), "v2")  # with a timestamp each
    bench_fetching.compare(2 * wanted.mebibytes, 500, at_once=8)
    bench_images.compare(2 * wanted.mebibytes, checking)
    return 0


if __name__ == "__main__":
    sys.exit(main())

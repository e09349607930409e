"""A web server that does exactly what a test tells it, and remembers what it was asked.

An answer is a script of steps: bytes to send, seconds to wait, or an :class:`Ending`. It
speaks real HTTP over real sockets on loopback, because what is under test is what a
client makes of bytes, pauses and broken connections. Every wait ends with the server.
"""

from __future__ import annotations

import contextlib
import enum
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Ending(enum.Enum):
    """How a connection ends before its time: with FIN, or with RST."""

    CUT = "cut"
    RESET = "reset"


CUT = Ending.CUT
RESET = Ending.RESET

Step = bytes | float | Ending
Script = Iterable[Step] | Callable[[], Iterable[Step]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it was received; ``body`` is as long as it said."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def values(self, name: str) -> list[str]:
        """Return a header's values, in their order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def answer(status: int = 200, body: bytes = b"", *headers: str) -> list[Step]:
    """Return the script of one well-formed answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return [head(*lines) + body]


def head(*lines: str) -> bytes:
    """Return a status line and headers, with the empty line that ends them."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def moved(location: str, status: int = 302, *headers: str) -> list[Step]:
    """Return the script of a redirect."""
    return answer(status, b"", f"Location: {location}", *headers)


def drip(raw: bytes, pause: float) -> list[Step]:
    """Return the script that sends ``raw`` byte by byte."""
    return [step for byte in raw for step in (bytes([byte]), pause)]


class HostileServer:
    """A threaded server on loopback. Paths it was told nothing about answer 404."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, greeting: Script | None = None
    ) -> None:
        """Listen at once; with ``greeting`` that script is all a connection ever gets."""
        self._tls = tls
        self._greeting = greeting
        self._scripts: dict[str, list[Script]] = {}
        self._otherwise: Script = answer(404, b"no such file")
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lines: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Request] = []
        self.connections = 0

    def __enter__(self) -> Self:
        """Begin to accept."""
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop, whatever is going on."""
        self._stop.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes accept()
        with self._lock:
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Return the URL of a path here."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def on(self, path: str, *scripts: Script) -> None:
        """Answer requests for a path with these scripts in turn; the last one repeats."""
        self._scripts[path] = list(scripts)

    def otherwise(self, script: Script) -> None:
        """Answer every path that nothing else was said about."""
        self._otherwise = script

    def asked(self, path: str) -> list[Request]:
        """Return the requests for a path."""
        return [request for request in self.requests if request.path == path]

    # ---- behind the scenes

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            line, _ = self._listener.accept()
            if self._stop.is_set():
                line.close()
                return
            self.connections += 1
            with self._lock:
                self._lines.add(line)
            self._start(self._serve, line)

    def _serve(self, line: socket.socket) -> None:
        line.settimeout(10)
        with contextlib.suppress(OSError):
            if self._greeting is not None:
                self._play(line, self._greeting)
            elif self._tls is not None:
                with self._tls.wrap_socket(line, server_side=True) as secure:
                    with self._lock:  # the wrapper took the descriptor
                        self._lines.add(secure)
                    self._converse(secure)
            else:
                self._converse(line)
        with self._lock:
            self._lines.discard(line)
        line.close()

    def _converse(self, line: socket.socket) -> None:
        while True:
            request = self._receive(line)
            if request is None or not self._play(line, self._script(request)):
                return

    def _receive(self, line: socket.socket) -> Request | None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            more = line.recv(65536)
            if not more:
                return None
            raw += more
        start, _, sent = raw.partition(b"\r\n\r\n")
        first, *rest = start.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (header.partition(":") for header in rest)
        request = Request(
            method=method,
            target=target,
            headers=tuple((name, value.strip()) for name, _, value in pairs),
        )
        length = int("".join(request.values("content-length")) or 0)
        body = bytearray(sent)
        while len(body) < length:
            more = line.recv(65536)
            if not more:
                return None
            body += more
        request = replace(request, body=bytes(body))
        with self._lock:
            self.requests.append(request)
        return request

    def _script(self, request: Request) -> Script:
        with self._lock:
            scripts = self._scripts.get(request.path)
            if not scripts:
                return self._otherwise
            return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    def _play(self, line: socket.socket, script: Script) -> bool:
        """Play a script; say whether the connection may go on."""
        for step in script() if callable(script) else script:
            if self._stop.is_set():
                return False
            if isinstance(step, bytes):
                line.sendall(step)
            elif isinstance(step, float):
                self._stop.wait(step)
            else:
                if step is RESET:
                    # SO_LINGER of zero makes close() send RST.
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
        return True


# ---- TLS -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Certified:
    """A server's TLS context, and the file of the CA that its certificate leads to."""

    context: ssl.SSLContext
    ca_file: Path


def certified(
    folder: Path, *names: str, expired: bool = False, authority: bool = True
) -> Certified:
    """Make a throw-away certificate for host names and addresses; self-signed on request."""
    now = datetime.now(tz=UTC)
    ends = now - timedelta(days=1) if expired else now + timedelta(days=1)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _issue("throw-away CA", ca_key, None, ends=now + timedelta(days=1))
    issuer = (ca, ca_key) if authority else None
    leaf = _issue("throw-away server", key, issuer, ends=ends, names=names)
    chain, ca_file = folder / "server.pem", folder / "ca.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain.write_bytes(secret + leaf.public_bytes(serialization.Encoding.PEM))
    ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Certified(context, ca_file)


def _issue(
    title: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    *,
    ends: datetime,
    names: Iterable[str] = (),
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    is_ca = not (names := list(names))
    signing = issuer[1] if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=3))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(_usage(is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
            critical=False,
        )
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(list(_general(names))), critical=False
        )
    return builder.sign(signing, hashes.SHA256())


def _usage(is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(names: Iterable[str]) -> Iterator[x509.GeneralName]:
    for name in names:
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            yield x509.DNSName(name)

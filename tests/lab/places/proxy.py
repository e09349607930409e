"""A proxy: tunnels to hosts that only it can resolve, and forwards what comes in plain text.

As RFC 9110 has it: ``CONNECT host:port`` for TLS, a whole URL in the request line for plain
HTTP, 407 for who does not show its credentials, which are taken off what is forwarded.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.lab.hostile_http import CUT, HostileServer, Request, Script, answer, head

_HOP_BY_HOP = ("proxy-authorization", "proxy-connection", "connection")


class ProxyServer(HostileServer):
    """Knows where hosts are; wants ``authorization`` if that is given."""

    def __init__(self, hosts: Mapping[str, int], authorization: str = "") -> None:
        """Lead each host to its port on loopback."""
        super().__init__()
        self._hosts = dict(hosts)
        self._authorization = authorization

    @property
    def address(self) -> str:
        """Its own URL."""
        return self.url("")

    def _converse(self, line: socket.socket) -> None:
        while True:
            request = self._receive(line)
            if request is None:
                return
            if request.target in self._scripts:
                if not self._play(line, self._script(request)):
                    return
            elif self._authorization and request.values("proxy-authorization") != [
                self._authorization
            ]:
                self._play(line, answer(407, b"", "Proxy-Authenticate: Basic realm=proxy"))
            elif request.method == "CONNECT":
                self._tunnel(line, request)
                return
            elif not self._play(line, self._forwarded(request)):
                return

    def _tunnel(self, line: socket.socket, request: Request) -> None:
        port = self._hosts.get(request.target.rpartition(":")[0])
        if port is None:
            self._play(line, answer(502))
            return
        with socket.create_connection(("127.0.0.1", port)) as there:
            line.sendall(head("HTTP/1.1 200 Connection established"))
            back = threading.Thread(target=_pipe, args=(there, line), daemon=True)
            back.start()
            _pipe(line, there)
            back.join(5)

    def _forwarded(self, request: Request) -> Script:
        parts = urlsplit(request.target)
        port = self._hosts.get(parts.hostname or "")
        if port is None:
            return answer(502)
        kept = [f"{k}: {v}" for k, v in request.headers if k.lower() not in _HOP_BY_HOP]
        with socket.create_connection(("127.0.0.1", port)) as there:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            there.sendall(head(f"{request.method} {path} HTTP/1.1", *kept, "Connection: close"))
            there.settimeout(0.5)
            whole = b""
            with contextlib.suppress(TimeoutError):
                while more := there.recv(65536):
                    whole += more
        return [whole, CUT]


def _pipe(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while more := source.recv(65536):
            to.sendall(more)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)

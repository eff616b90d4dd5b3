"""A small HTTP server around a sandbox, on this machine only."""

from __future__ import annotations

import os
import socket
import struct
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from ..errors import ConfigError
from .emulator import Answer, Sandbox
from .request import LARGEST_BODY, PREFIX

HOST = "127.0.0.1"


class Server:
    """A sandbox that is being served. Close it, or use it in a with statement."""

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self.key = sandbox.key
        try:
            self._listener = _Listener(sandbox, port)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"the sandbox cannot listen on {HOST}:{port}: {_reason(error)}") from None
        self.port = self._listener.server_port
        self.url = f"http://{HOST}:{self.port}{PREFIX}"
        self._thread: threading.Thread | None = None
        self._served = False

    def start(self) -> Server:
        """Serve in a daemon thread."""
        self._served = True
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def run(self) -> None:
        """Serve in this thread until KeyboardInterrupt, or until another thread closes the server."""
        self._served = True
        self._listener.serve_forever(0.05)

    def close(self) -> None:
        """Stop, and drop what is still connected."""
        if self._served:  # shutdown waits for the end of a loop, also of one that never began
            self._listener.shutdown()
        self._listener.server_close()
        self._listener.drop_connections()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(sandbox: Sandbox, port: int = 0) -> Server:
    """Serve a sandbox in the background; port 0 takes a free one. For the foreground use `Server(sandbox, port).run()`."""
    return Server(sandbox, port).start()


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = os.name != "nt"  # on Windows it would let two servers share a port

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self._connections: set[socket.socket] = set()
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # not HTTPServer's, which asks the name service for our name
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        for connection in list(self._connections):
            with suppress(OSError):  # it may have gone by itself
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in mid-answer is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: _Listener

    def __getattr__(self, name: str) -> Any:
        """Every method is handled alike; unknown ones are the sandbox's to refuse."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdecimal():
            return self._refuse(400)
        if len(length) > 9 or int(length) > LARGEST_BODY:
            return self._refuse(413)
        body = self.rfile.read(int(length))
        answer = self.server.sandbox.handle(self.command, self.path, dict(self.headers.items()), body)
        if answer.status == 0:
            return self._reset()
        self._send(answer)
        return None

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        cut = int(answer.headers["Content-Length"]) > len(answer.body)
        if cut:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _refuse(self, status: int) -> None:
        self.close_connection = True
        self._send(Answer(status, {"Content-Length": "0", "Connection": "close"}, b""))

    def _reset(self) -> None:
        """Drop the connection as a broken network does, with a reset and no answer."""
        self.close_connection = True
        at_once = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal; GET /_sandbox/log has it all."""

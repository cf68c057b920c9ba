"""A server's TLS connection with time limits that can reset without an alert, as load balancers do."""

import selectors
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from OpenSSL import SSL

T = TypeVar("T")

LINGER_SECONDS = 1.0
_CHUNK = 16 * 1024


class TlsSocket:
    """One connection; every operation has a time limit, so that no client can block a thread forever.

    OpenSSL reads and writes memory, and this class moves the bytes, so that an alert can be held back.
    """

    def __init__(self, context: SSL.Context, sock: socket.socket) -> None:
        """Wrap a connected socket, without a handshake yet."""
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = sock
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()

    def handshake(self, seconds: float) -> None:
        """Perform the handshake; if it fails, `end` sends the alert and `reset` drops it.

        Raises:
            SSL.Error: the client is refused, does not speak TLS, or is disconnected.
            OSError: the client is too slow or disconnected.

        """
        self._within(seconds, self.connection.do_handshake)

    @property
    def protocol(self) -> str | None:
        """The TLS version, e.g. `TLSv1.3`, once it is negotiated."""
        return self.connection.get_protocol_version_name() if self.connection.get_cipher_name() else None

    def read(self, seconds: float) -> bytes:
        """Read some bytes; none if the client has disconnected or sends nothing in time."""
        try:
            return self._within(seconds, lambda: self.connection.recv(_CHUNK))
        except (SSL.Error, OSError):
            return b""

    def write(self, content: bytes, seconds: float) -> None:
        """Write all bytes.

        Raises:
            SSL.Error: the client is disconnected.
            OSError: the client does not read in time, or is disconnected.

        """
        self._within(seconds, lambda: self.connection.sendall(content))

    def end(self) -> None:
        """Send a close notification or the alert, and wait for the client to close: closing first could reset."""
        deadline = time.monotonic() + LINGER_SECONDS
        with suppress(SSL.Error):
            self.connection.shutdown()
        with suppress(OSError):
            self._flush(deadline)
            self._socket.shutdown(socket.SHUT_WR)
            while self._ready(selectors.EVENT_READ, deadline) and self._socket.recv(_CHUNK):
                pass

    def reset(self) -> None:
        """Reset the connection without an alert."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _within(self, seconds: float, operation: Callable[[], T]) -> T:
        deadline = time.monotonic() + seconds
        while True:
            try:
                result = operation()
            except SSL.WantReadError:
                self._flush(deadline)
                self._receive(deadline)
            else:
                self._flush(deadline)
                return result

    def _receive(self, deadline: float) -> None:
        if not self._ready(selectors.EVENT_READ, deadline):
            raise TimeoutError("the client sent nothing in time")
        received = self._socket.recv(_CHUNK)
        if not received:
            self.connection.bio_shutdown()
        while received:
            received = received[self.connection.bio_write(received) :]

    def _flush(self, deadline: float) -> None:
        with suppress(SSL.WantReadError):  # nothing left to send
            while True:
                content = self.connection.bio_read(_CHUNK)
                while content:
                    if not self._ready(selectors.EVENT_WRITE, deadline):
                        raise TimeoutError("the client read nothing in time")
                    content = content[self._socket.send(content) :]

    def _ready(self, event: int, deadline: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, event)
            return bool(selector.select(max(0.0, deadline - time.monotonic())))

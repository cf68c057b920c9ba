"""A server's TLS connection with time limits, which can drop a client without a word, as load balancers do."""

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
    """One connection; every operation has its time, so that no client can hold a thread for ever.

    OpenSSL works on memory and this class moves the bytes, so that what OpenSSL has to say can be kept back.
    """

    def __init__(self, context: SSL.Context, plain: socket.socket) -> None:
        """Take over a connected socket; the handshake comes later."""
        plain.settimeout(0)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._plain = plain
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()

    def handshake(self, seconds: float) -> None:
        """Shake hands; when it fails, the alert is left for `end` to send or for `reset` to drop.

        Raises:
            SSL.Error: the client is refused, or speaks no TLS, or is gone.
            OSError: the client takes too long, or is gone.

        """
        self._within(seconds, self.connection.do_handshake)

    @property
    def protocol(self) -> str | None:
        """The TLS version, e.g. `TLSv1.3`, once it is agreed."""
        return self.connection.get_protocol_version_name() if self.connection.get_cipher_name() else None

    def read(self, seconds: float) -> bytes:
        """Read some bytes; none at all when the client has ended, or says nothing for so long."""
        try:
            return self._within(seconds, lambda: self.connection.recv(_CHUNK))
        except (SSL.Error, OSError):
            return b""

    def write(self, content: bytes, seconds: float) -> None:
        """Write all bytes.

        Raises:
            SSL.Error: the client is gone.
            OSError: the client does not read, or is gone.

        """
        self._within(seconds, lambda: self.connection.sendall(content))

    def end(self) -> None:
        """Say goodbye, or why not, and let the client read it: a close while it still sends would reset."""
        deadline = time.monotonic() + LINGER_SECONDS
        with suppress(SSL.Error):
            self.connection.shutdown()
        with suppress(OSError):
            self._flush(deadline)
            self._plain.shutdown(socket.SHUT_WR)
            while self._ready(selectors.EVENT_READ, deadline) and self._plain.recv(_CHUNK):
                pass

    def reset(self) -> None:
        """Drop the client without a word: it sees a connection reset."""
        with suppress(OSError):
            self._plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._plain.close()

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
            raise TimeoutError("the client said nothing in time")
        received = self._plain.recv(_CHUNK)
        if not received:
            self.connection.bio_shutdown()
        while received:
            received = received[self.connection.bio_write(received) :]

    def _flush(self, deadline: float) -> None:
        with suppress(SSL.WantReadError):  # nothing more to send
            while True:
                content = self.connection.bio_read(_CHUNK)
                while content:
                    if not self._ready(selectors.EVENT_WRITE, deadline):
                        raise TimeoutError("the client read nothing in time")
                    content = content[self._plain.send(content) :]

    def _ready(self, event: int, deadline: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._plain, event)
            return bool(selector.select(max(0.0, deadline - time.monotonic())))

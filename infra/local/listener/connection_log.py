"""The connection log of a listener, in the load balancer's format.

Fields, in order: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509


def serial_text(certificate: x509.Certificate) -> str:
    """Return a serial number as load balancers write it: whole octets in upper-case hex, without colons."""
    digits = f"{certificate.serial_number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


@dataclass(frozen=True)
class Connection:
    """One connection; unknown fields are None and written as `-`."""

    time: datetime
    client_ip: str
    client_port: int
    listener_port: int
    tls_protocol: str | None
    tls_cipher: str | None
    handshake_seconds: float | None
    certificate: x509.Certificate | None
    verify_status: str
    trace_id: str
    key_exchange: str | None

    def __str__(self) -> str:
        """Return the log line; its last two fields, load balancer and node, are constant here."""
        subject = validity = serial = None
        if self.certificate is not None:
            not_before, not_after = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
            subject = f'"{self.certificate.subject.rfc4514_string()}"'
            validity = f"NotBefore={not_before:%Y-%m-%dT%H:%M:%SZ};NotAfter={not_after:%Y-%m-%dT%H:%M:%SZ}"
            serial = serial_text(self.certificate)
        fields = (
            f"{self.time:%Y-%m-%dT%H:%M:%S.%f}Z",
            self.client_ip,
            self.client_port,
            self.listener_port,
            self.tls_protocol,
            self.tls_cipher,
            None if self.handshake_seconds is None else f"{self.handshake_seconds:.3f}",
            subject,
            validity,
            serial,
            self.verify_status,
            self.trace_id,
            self.key_exchange,
            "app/local/0000000000000000",
            "127.0.0.1",
        )
        return " ".join("-" if field is None else str(field) for field in fields)


class ConnectionLog:
    """A connection log in memory and, if there is a path, in a file."""

    def __init__(self, path: Path | None = None) -> None:
        """Start an empty log."""
        self._path = path
        self._lock = threading.Lock()
        self._lines: list[str] = []

    @property
    def lines(self) -> list[str]:
        """All lines, oldest first."""
        with self._lock:
            return list(self._lines)

    def write(self, connection: Connection) -> None:
        """Append the line of a connection."""
        line = str(connection)
        with self._lock:
            self._lines.append(line)
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")

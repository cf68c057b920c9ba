"""Clients in connection logs: every line that the listener writes is read, and hostile files do no harm."""

import gzip
import ipaddress
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import connection_logs
from infra.cli.connection_logs import ConnectionFilter, search
from infra.cli.stack import Unusable
from infra.local.listener.connection_log import Connection
from tests.support import pki
from tests.support.pki import NOW

CA = pki.certificate_authority()
CLIENT = CA.issue("mallory")


def line(client: pki.Identity | None = CLIENT, at: datetime = NOW, address: str = "203.0.113.1") -> str:
    """Write a line as the listener does."""
    certificate = client.certificate if client else None
    return str(
        Connection(
            time=at,
            client_ip=address,
            client_port=1,
            listener_port=443,
            tls_protocol="TLSv1.3",
            tls_cipher="TLS_AES_128_GCM_SHA256",
            handshake_seconds=0.1,
            certificate=certificate,
            verify_status="Success",
            trace_id="TID_1",
            key_exchange="x25519",
        )
    )


def write(folder: Path, *lines: str, name: str = "a.log.gz") -> Path:
    """Write a log file."""
    path = folder / name
    body = "".join(f"{each}\n" for each in lines).encode()
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return path


def test_listener_logs_are_read(tmp_path: Path) -> None:
    """Connections of one certificate are counted, from all files; those without a certificate are not."""
    other = CA.issue("alice")
    write(tmp_path, line(), line(address="203.0.113.2"), line(None), name="a.log.gz")
    write(tmp_path, line(at=NOW - timedelta(days=1)), line(other), name="b.log")
    result = search(str(tmp_path), ConnectionFilter())
    mallory = next(each for each in result.clients.values() if each.serial == CLIENT.serial)
    assert (mallory.connections, mallory.first, mallory.last) == (3, NOW - timedelta(days=1), NOW)
    assert mallory.addresses == Counter({"203.0.113.1": 2, "203.0.113.2": 1})
    assert {each.serial for each in result.clients.values()} == {CLIENT.serial, other.serial}
    assert (result.files, result.lines) == (2, 5)


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        (ConnectionFilter(subject="CN=MALLORY"), True),
        (ConnectionFilter(subject="alice"), False),
        (ConnectionFilter(network=ipaddress.ip_network("203.0.113.0/24")), True),
        (ConnectionFilter(network=ipaddress.ip_network("2001:db8::/32")), False),
        (ConnectionFilter(since=NOW - timedelta(seconds=1), until=NOW + timedelta(seconds=1)), True),
        (ConnectionFilter(since=NOW + timedelta(seconds=1)), False),
        (ConnectionFilter(until=NOW - timedelta(seconds=1)), False),
    ],
)
def test_connections_are_filtered(tmp_path: Path, wanted: ConnectionFilter, is_found: bool) -> None:  # noqa: FBT001 - a table
    """Subject, address and time narrow it down."""
    write(tmp_path, line())
    assert bool(search(str(tmp_path), wanted).clients) is is_found


def test_file_of_another_time_is_not_opened(tmp_path: Path) -> None:
    """The name says when the file ends: thousands of others need not be read."""
    name = "conn_log_1_elasticloadbalancing_eu-central-1_app.x.y_20261123T0305Z_192.0.2.1_a.log.gz"
    (tmp_path / name).write_bytes(b"no gzip at all")
    later = ConnectionFilter(since=datetime(2026, 11, 23, 3, 6, tzinfo=UTC))
    with pytest.raises(Unusable, match="holds no log of that time"):
        search(str(tmp_path), later)
    with pytest.raises(Unusable, match="cannot be read"):
        search(str(tmp_path), ConnectionFilter())


def test_subject_that_imitates_the_rest_of_a_line(tmp_path: Path) -> None:
    """A client chooses its own subject; it cannot have another client's serial found by it."""
    hostile = CA.issue('x" NotBefore=a;NotAfter=b 0A0B Success y "')
    write(tmp_path, line(hostile))
    assert [each.serial for each in search(str(tmp_path), ConnectionFilter()).clients.values()] == [hostile.serial]


@pytest.mark.parametrize("body", [b"\0" * 10_000_000, b"\n" * 100_000], ids=["long", "of empty lines"])
def test_decompression_bomb_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """A file that unpacks to more than any log holds is not read to its end, and does not end the search."""
    monkeypatch.setattr(connection_logs, "_MAX_FILE_BYTES", 1_000_000)
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(body))
    with pytest.raises(Unusable, match="not a connection log"):
        search(str(tmp_path), ConnectionFilter())
    write(tmp_path, line(), name="good.log")
    (tmp_path / "cut.log.gz").write_bytes(gzip.compress(body)[:-9])
    found = search(str(tmp_path), ConnectionFilter())
    assert [each.serial for each in found.clients.values()] == [CLIENT.serial]
    assert len(found.skipped) == 2
    assert found.lines < 40_000


def test_line_is_read_in_linear_time(tmp_path: Path) -> None:
    """A line of the longest kind that repeats a part of a log's line takes as long as any other."""
    begin = "2026-11-23T03:05:00Z 192.0.2.1 1 443 - - - - "
    write(tmp_path, *[begin + "NotBefore=1" + ";NotAfter=1" * 5_900] * 20, line(), name="a.log")
    before = time.process_time()
    assert len(search(str(tmp_path), ConnectionFilter()).clients) == 1
    assert time.process_time() - before < 3


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_is_skipped(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    """The good line in a file is found, whatever the others are."""
    folder = tmp_path_factory.mktemp("logs")
    body = "\n".join([*(each.replace("\n", " ") for each in lines), line()])
    (folder / "a.log").write_text(body, encoding="utf-8", errors="replace")
    assert CLIENT.serial in {each.serial for each in search(str(folder), ConnectionFilter()).clients.values()}

"""Clients in the load balancer's connection logs: who connected, from where, when, and with which serial number.

Files and fields: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html
"""

import gzip
import io
import ipaddress
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from functions.errors import RequestRefused
from functions.pki import serial_number
from infra.cli.stack import Unusable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS = 16
_MAX_LINE_BYTES = 65_536
# A file holds five minutes of one node; one that unpacks to more than this is not a log.
_MAX_FILE_BYTES = 4 * 1024**3
_MIN_LINE_BYTES = 64  # what a line counts at least, as a billion empty ones pack to a megabyte
# A line begins with a time; cut off after the seconds, it sorts as text.
_SECOND, _SECOND_LENGTH = "%Y-%m-%dT%H:%M:%S", 19
_FILE_SPAN = timedelta(minutes=5)
# … conn_log_123456789012_elasticloadbalancing_eu-central-1_app.name.id_20261123T0305Z_192.0.2.1_random.log.gz
_ENDS_AT = re.compile(r"_(\d{8}T\d{4}Z)_")
_IS_LOG = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z \S+ \d+ \d+ ")
# Time, address, …, subject, validity, serial, verify status. A subject may hold anything, so its last quote counts.
_LINE = re.compile(
    r'(\S+) (\S+) \S+ \S+ \S+ \S+ \S+ (".*"|\S+) NotBefore=[^\s;]+;NotAfter=[^\s;]+ ([0-9A-Fa-f]+) (\S+)(?: .*)?',
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ConnectionFilter:
    """Which connections to find; None matches any."""

    subject: str | None = None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, at: datetime, address: str, subject: str) -> bool:
        """Return whether this is such a connection."""
        if (self.since and at < self.since) or (self.until and at > self.until):
            return False
        if self.subject and self.subject.lower() not in subject.lower():
            return False
        return self.network is None or ipaddress.ip_address(address) in self.network

    def may_hold(self, name: str) -> bool:
        """Return whether a file of this name may hold such connections; True for names without a time."""
        match = _ENDS_AT.search(name)
        if not match:
            return True
        at = datetime.strptime(match[1], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        return not ((self.since and at < self.since) or (self.until and at - _FILE_SPAN > self.until))


@dataclass(slots=True)
class Client:
    """A certificate, and the connections made with it."""

    serial: int
    subject: str
    first: datetime
    last: datetime
    connections: int = 0
    addresses: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def fields(self) -> dict[str, object]:
        """Return the fields that `--json` shows."""
        return {
            "Serial": serial_number.to_hex(self.serial),
            "Subject": self.subject,
            "First": self.first,
            "Last": self.last,
            "Connections": self.connections,
            "Addresses": dict(self.addresses.most_common()),
            "Statuses": dict(self.statuses.most_common()),
        }

    def add(self, other: "Client") -> None:
        """Add the connections of the same certificate in another file."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.connections += other.connections
        self.addresses += other.addresses
        self.statuses += other.statuses


@dataclass(slots=True)
class SearchResult:
    """The clients found, and how much was read."""

    clients: dict[tuple[int, str], Client] = field(default_factory=dict)
    files: int = 0
    lines: int = 0
    unreadable: int = 0
    foreign: list[str] = field(default_factory=list)  # files that are not connection logs
    skipped: list[str] = field(default_factory=list)  # files that cannot be read to their end, and why

    def add(self, other: "SearchResult") -> None:
        """Add what another file holds."""
        for key, client in other.clients.items():
            if key in self.clients:
                self.clients[key].add(client)
            else:
                self.clients[key] = client
        self.files, self.lines = self.files + other.files, self.lines + other.lines
        self.unreadable += other.unreadable
        self.foreign += other.foreign
        self.skipped += other.skipped


def search(location: str, wanted: ConnectionFilter) -> SearchResult:
    """Search a folder or file, or everything under an S3 prefix, several files at a time.

    Raises:
        Unusable: there is no log, or none is a connection log that can be read.

    """
    total = SearchResult()
    with ThreadPoolExecutor(_THREADS) as pool:
        for result in pool.map(lambda file: _search_file(file, wanted), _files(location, wanted)):
            total.add(result)
    if not total.files:
        raise Unusable(f"{location} holds no log of that time")
    if len(total.skipped) == total.files and not total.clients:
        raise Unusable(total.skipped[0])
    if len(total.foreign) == total.files and not total.clients:
        raise Unusable(
            f"{total.foreign[0]} is not a connection log (an access log is not one): its first line does not "
            "begin with a time, an address and two ports"
        )
    return total


@dataclass(frozen=True, slots=True)
class _S3File:
    client: "S3Client"
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def _files(location: str, wanted: ConnectionFilter) -> Iterator[Path | _S3File]:
    if not location.startswith("s3://"):
        path = Path(location)
        try:
            files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        except OSError as error:  # the name is too long
            raise Unusable(f"{location[:60]!r}… cannot be read: {error.strerror}") from None
        yield from (each for each in files if wanted.may_hold(each.name))
        return
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    client: S3Client = boto3.client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", []):
            if each["Size"] and wanted.may_hold(each["Key"]):
                yield _S3File(client, bucket, each["Key"])


def _search_file(file: Path | _S3File, wanted: ConnectionFilter) -> SearchResult:
    """Search one file line by line, without holding it in memory."""
    result = SearchResult(files=1)
    try:
        with _open(file) as body:
            _search_lines(body, str(file), wanted, result)
    except (OSError, EOFError, zlib.error) as error:
        result.skipped.append(f"{file} cannot be read: {error}")
    return result


def _open(file: Path | _S3File) -> io.BufferedReader:
    if isinstance(file, Path):
        return file.open("rb")
    body: Any = file.client.get_object(Bucket=file.bucket, Key=file.key)["Body"]
    return io.BufferedReader(body)


def _search_lines(body: io.BufferedReader, name: str, wanted: ConnectionFilter, result: SearchResult) -> None:
    size, may_match = 0, _prefilter(wanted)
    for line in _lines(body, packed=name.endswith(".gz")):
        size += max(len(line), _MIN_LINE_BYTES)
        if size > _MAX_FILE_BYTES:
            raise EOFError(f"it unpacks to more than {_MAX_FILE_BYTES:,} bytes, so it is not a connection log")
        result.lines += 1
        if result.lines == 1 and not _IS_LOG.match(line):
            result.foreign.append(name)
        if may_match(line):
            _add_connection(line.decode("utf-8", "replace").rstrip("\r\n"), wanted, result)


def _prefilter(wanted: ConnectionFilter) -> Callable[[bytes], bool]:
    """Return a cheap check that rules out most lines, ten times as fast as parsing them."""
    subject = wanted.subject.lower().encode() if wanted.subject and wanted.subject.isascii() else b""
    since, until = (at.strftime(_SECOND).encode() if at else None for at in (wanted.since, wanted.until))
    first, last = since or b"", until or b"\xff"
    return lambda line: first <= line[:_SECOND_LENGTH] <= last and subject in line.lower()


def _lines(body: io.BufferedReader, *, packed: bool) -> Iterator[bytes]:
    """Yield a file's lines; a line that is too long is cut."""
    readable = gzip.GzipFile(fileobj=body) if packed else body
    while line := readable.readline(_MAX_LINE_BYTES):
        yield bytes(line)


def _add_connection(line: str, wanted: ConnectionFilter, result: SearchResult) -> None:
    match = _LINE.fullmatch(line)
    if match is None:  # a connection without a client certificate, or not a line of a log
        return
    time, address, subject, serial, status = match.groups()
    try:
        at = datetime.fromisoformat(time)
        number = serial_number.parse(f"hex:{serial}")
        if not wanted.matches(at, address, subject):
            return
    except (ValueError, RequestRefused):
        result.unreadable += 1
        return
    subject = subject.strip('"')
    client = result.clients.setdefault((number, subject), Client(number, subject, at, at))
    client.first, client.last = min(client.first, at), max(client.last, at)
    client.connections += 1
    client.addresses[address] += 1
    client.statuses[status] += 1

"""Clients in the load balancer's connection logs: who connected, from where, when, and with which serial number.

Files and fields: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html
"""

import gzip
import ipaddress
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import boto3

from functions.errors import RequestRefused
from functions.pki import serial_number
from infra.cli.stack import Unusable

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_READERS = 16
_LONGEST_LINE = 65_536
# A file holds five minutes of one node; what grows beyond this while it is unpacked is no log.
_LARGEST_FILE = 4 * 1024**3
# The time that a line begins with, to the second: as text it is in order.
_SECOND, _SECONDS_END = "%Y-%m-%dT%H:%M:%S", 19
_WRITTEN_EVERY = timedelta(minutes=5)
# … conn_log_123456789012_elasticloadbalancing_eu-central-1_app.name.id_20261123T0305Z_192.0.2.1_random.log.gz
_ENDS_AT = re.compile(r"_(\d{8}T\d{4}Z)_")
_IS_LOG = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z \S+ \d+ \d+ ")
# Time, address, …, subject, validity, serial, verify status. A subject may hold anything, so its last quote counts.
_LINE = re.compile(
    r'(\S+) (\S+) \S+ \S+ \S+ \S+ \S+ (".*"|\S+) NotBefore=\S+;NotAfter=\S+ ([0-9A-Fa-f]+) (\S+)(?: .*)?', re.ASCII
)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which connections are looked for; what is None is any."""

    subject: str | None = None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, at: datetime, address: str, subject: str) -> bool:
        """Tell whether a connection is one of these."""
        if (self.since and at < self.since) or (self.until and at > self.until):
            return False
        if self.subject and self.subject.lower() not in subject.lower():
            return False
        return self.network is None or ipaddress.ip_address(address) in self.network

    def may_hold(self, name: str) -> bool:
        """Tell by its name whether a file may hold such connections; one that is named otherwise may."""
        ends = _ENDS_AT.search(name)
        if not ends:
            return True
        at = datetime.strptime(ends[1], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        return not ((self.since and at < self.since) or (self.until and at - _WRITTEN_EVERY > self.until))


@dataclass(slots=True)
class Client:
    """A certificate that connected."""

    serial: int
    subject: str
    first: datetime
    last: datetime
    connections: int = 0
    addresses: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def described(self) -> dict[str, object]:
        """Give it for machines."""
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
        """Take what was found of the same certificate in another file."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.connections += other.connections
        self.addresses += other.addresses
        self.statuses += other.statuses


@dataclass(slots=True)
class Found:
    """The clients found, and how much was read for it."""

    clients: dict[tuple[int, str], Client] = field(default_factory=dict)
    files: int = 0
    lines: int = 0
    unreadable: int = 0
    foreign: list[str] = field(default_factory=list)  # files that are no connection logs

    def add(self, other: "Found") -> None:
        """Take what was found in another file."""
        for key, client in other.clients.items():
            if key in self.clients:
                self.clients[key].add(client)
            else:
                self.clients[key] = client
        self.files, self.lines = self.files + other.files, self.lines + other.lines
        self.unreadable += other.unreadable
        self.foreign += other.foreign


def search(where: str, sought: Sought) -> Found:
    """Search a folder or file, or everything under an S3 prefix, several files at a time.

    Raises:
        Unusable: there is nothing there, or a file is no log.

    """
    everything = Found()
    with ThreadPoolExecutor(_READERS) as pool:
        for found in pool.map(lambda each: _in_file(each, sought), _files(where, sought)):
            everything.add(found)
    if not everything.files:
        raise Unusable(f"{where} holds no log of that time")
    if len(everything.foreign) == everything.files and not everything.clients:
        raise Unusable(
            f"{everything.foreign[0]} is no connection log (an access log is another thing): its first line does not "
            "begin with a time, an address and two ports"
        )
    return everything


@dataclass(frozen=True, slots=True)
class _InS3:
    client: "S3Client"
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def _files(where: str, sought: Sought) -> Iterator[Path | _InS3]:
    if not where.startswith("s3://"):
        path = Path(where)
        try:
            found = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        except OSError as fault:  # too long a name
            raise Unusable(f"{where[:60]!r}… cannot be read: {fault.strerror}") from None
        yield from (each for each in found if sought.may_hold(each.name))
        return
    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    client: S3Client = boto3.client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", []):
            if each["Size"] and sought.may_hold(each["Key"]):
                yield _InS3(client, bucket, each["Key"])


def _in_file(file: Path | _InS3, sought: Sought) -> Found:
    """Read one file line by line; it is never held whole."""
    found = Found(files=1)
    try:
        if isinstance(file, Path):
            with file.open("rb") as body:
                _read(body, str(file), sought, found)
        else:
            stream = file.client.get_object(Bucket=file.bucket, Key=file.key)["Body"]
            _read(stream, str(file), sought, found)
    except (OSError, EOFError, zlib.error) as fault:
        raise Unusable(f"{file} cannot be read: {fault}") from None
    return found


def _read(body: "IO[bytes] | StreamingBody", name: str, sought: Sought, found: Found) -> None:
    size, may_be_meant = 0, _sieve(sought)
    for line in _lines(body, packed=name.endswith(".gz")):
        size += len(line)
        if size > _LARGEST_FILE:
            raise Unusable(f"{name} unpacks to more than {_LARGEST_FILE:,} bytes: it is no connection log")
        found.lines += 1
        if found.lines == 1 and not _IS_LOG.match(line):
            found.foreign.append(name)
        if may_be_meant(line):
            _take(line.decode("utf-8", "replace").rstrip("\r\n"), sought, found)


def _sieve(sought: Sought) -> Callable[[bytes], bool]:
    """Tell cheaply which lines cannot be meant: ten times as fast as to take them apart."""
    subject = sought.subject.lower().encode() if sought.subject and sought.subject.isascii() else b""
    since, until = (at.strftime(_SECOND).encode() if at else None for at in (sought.since, sought.until))
    first, last = since or b"", until or b"\xff"
    return lambda line: first <= line[:_SECONDS_END] <= last and subject in line.lower()


def _lines(body: "IO[bytes] | StreamingBody", *, packed: bool) -> Iterator[bytes]:
    """Give a file's lines, cut where one has no end."""
    if packed:
        with gzip.GzipFile(fileobj=body) as unpacked:
            while line := unpacked.readline(_LONGEST_LINE):
                yield bytes(line)
    else:
        left = b""
        while block := body.read(_LONGEST_LINE):
            *lines, left = (left + block).split(b"\n")
            yield from lines
            if len(left) > _LONGEST_LINE:
                yield left
                left = b""
        if left:
            yield left


def _take(line: str, sought: Sought, found: Found) -> None:
    match = _LINE.fullmatch(line)
    if match is None:  # without a client certificate, or no line of a log
        return
    time, address, subject, serial, status = match.groups()
    try:
        at = datetime.fromisoformat(time)
        number = serial_number.parse(f"hex:{serial}")
        if not sought.takes(at, address, subject):
            return
    except (ValueError, RequestRefused):
        found.unreadable += 1
        return
    subject = subject.strip('"')
    client = found.clients.setdefault((number, subject), Client(number, subject, at, at))
    client.first, client.last = min(client.first, at), max(client.last, at)
    client.connections += 1
    client.addresses[address] += 1
    client.statuses[status] += 1

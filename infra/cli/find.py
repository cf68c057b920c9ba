"""`revocation find`: serial numbers of clients, from the load balancer's connection logs."""

import ipaddress
from datetime import UTC
from typing import Any

import click

from functions import text
from functions.pki import serial_number
from infra.cli.connection_logs import Client, ConnectionFilter, search
from infra.cli.once import OnceCommand
from infra.cli.stack import ENFORCED, NOT_ENFORCED, echo, exit_on_aws_error, to_json

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"]
_SHOWN_ADDRESSES, _SHOWN_FILES = 3, 5


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


@click.command(cls=OnceCommand)
@click.argument("location", metavar="FOLDER|s3://…")
@click.option("--subject", help="Part of the certificate's subject; upper or lower case does not matter.")
@click.option("--address", "network", type=_network, metavar="ADDRESS|CIDR", help="The client's address.")
@click.option("--since", type=click.DateTime(_TIMES), help="Only connections at or after this time, UTC.")
@click.option("--until", type=click.DateTime(_TIMES), help="Only connections at or before this time, UTC.")
@click.option("--serials", "only_serials", is_flag=True, help="Print serials only, for start --list -.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@exit_on_aws_error
def find(*, location: str, only_serials: bool, as_json: bool, **wanted: Any) -> int:  # noqa: ANN401 - of click
    """Find the serials of clients in the load balancer's connection logs; nothing is revoked.

    \b
    revocation find s3://logs/AWSLogs/123456789012/ --subject CN=mallory --since 2026-11-23T03:00:00
    revocation find logs/ --address 203.0.113.7 --serials | revocation start --list -
    """
    since, until = (moment and moment.replace(tzinfo=UTC) for moment in (wanted.pop("since"), wanted.pop("until")))
    result = search(location, ConnectionFilter(since=since, until=until, **wanted))
    clients = sorted(result.clients.values(), key=lambda client: client.last, reverse=True)
    if only_serials:
        echo("\n".join(dict.fromkeys(serial_number.to_hex(client.serial) for client in clients)))
    elif as_json:
        echo(to_json([client.fields() for client in clients]))
    else:
        for client in clients:
            echo(_describe(client))
    summary = f"{len(clients)} certificates in {result.lines:,} lines of {result.files:,} files"
    echo(summary + (f", {result.unreadable} lines could not be read" if result.unreadable else ""), err=True)
    for skipped in result.skipped[:_SHOWN_FILES]:
        echo(f"Warning: {skipped}", err=True)
    if len(result.skipped) > _SHOWN_FILES:
        echo(f"Warning: files that cannot be read, in all: {len(result.skipped)}", err=True)
    return ENFORCED if clients else NOT_ENFORCED


def _describe(client: Client) -> str:
    addresses = ", ".join(address for address, _ in client.addresses.most_common(_SHOWN_ADDRESSES))
    number_hidden = len(client.addresses) - _SHOWN_ADDRESSES
    more = f" and {number_hidden} more" if number_hidden > 0 else ""
    statuses = ", ".join(f"{status} {number}" for status, number in client.statuses.most_common())
    return (
        f"{serial_number.to_hex(client.serial)}  {text.one_line(client.subject)}\n"
        f"    {client.connections} connections from {addresses}{more}, {client.first:%Y-%m-%d %H:%M:%S} to "
        f"{client.last:%Y-%m-%d %H:%M:%S} UTC: {statuses}"
    )

"""The Athena query that finds handshakes refused because of a CRL in the load balancer's connection logs.

Column names are those of the Athena table in AWS's guide "Querying Application Load Balancer connection logs"; the
serial is upper-case hex there, and whether leading zeros are kept is not documented.
"""

from collections.abc import Iterable
from datetime import datetime

# Athena accepts 262,144 bytes of query. For more serials than this, the query selects the refusals of all certificates.
_MAX_SERIALS_LISTED = 5_000


def refusals_query(serial_numbers: Iterable[int], since: datetime) -> str:
    """Return the Athena query for refused handshakes with these serials since a time."""
    serials = [f"'{serial:X}'" for serial in serial_numbers]
    condition = f"  AND trim(LEADING '0' FROM upper(leaf_client_cert_serial_number)) IN ({', '.join(serials)})\n"
    return (
        "SELECT time, client_ip, leaf_client_cert_serial_number, tls_verify_status\n"
        "FROM alb_connection_logs\n"
        "WHERE tls_verify_status = 'Failed:ClientCertCrlHit'\n"
        f"  AND time >= '{since:%Y-%m-%dT%H:%M:%S}'\n"
        f"{condition if len(serials) <= _MAX_SERIALS_LISTED else ''}"
        "ORDER BY time"
    )

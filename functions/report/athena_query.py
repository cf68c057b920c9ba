"""What the load balancer's connection logs tell: which clients were refused because of a CRL.

Column names are those of the Athena table in AWS's guide "Querying Application Load Balancer connection logs"; the
serial is upper-case hex there, and whether leading zeros are kept is not documented.
"""

from collections.abc import Iterable
from datetime import datetime

# A query of Athena has at most 262,144 bytes; with more serials than this it shows the refusals of all.
_MOST_NAMED = 5_000


def refusals_query(serial_numbers: Iterable[int], since: datetime) -> str:
    """Write the Athena query that shows refusals of these serials since a time."""
    wanted = list(serial_numbers)
    listed = ", ".join(f"'{serial:X}'" for serial in wanted)
    named = f"  AND trim(LEADING '0' FROM upper(leaf_client_cert_serial_number)) IN ({listed})\n"
    return (
        "SELECT time, client_ip, leaf_client_cert_serial_number, tls_verify_status\n"
        "FROM alb_connection_logs\n"
        "WHERE tls_verify_status = 'Failed:ClientCertCrlHit'\n"
        f"  AND time >= '{since:%Y-%m-%dT%H:%M:%S}'\n"
        f"{named if len(wanted) <= _MOST_NAMED else ''}"
        "ORDER BY time"
    )

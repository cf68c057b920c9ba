"""The access keys that requests to the embedded AWS need: it runs code, and any program and page can reach its port."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

# The administrator's, made anew for each process; nothing but env.sh tells it to others.
ACCESS_KEY_ID = f"AKIA{secrets.token_hex(8).upper()}"
SECRET_ACCESS_KEY = secrets.token_urlsafe(30)
# What AWS gives without credentials: pre-signed addresses, whose random last part is the credential.
ANONYMOUS_PATH = "/moto-api/elbv2/trust-store-content/"


def access_key_of(environ: Mapping[str, Any]) -> str | None:
    """Return the access key ID of a request, from its Authorization header or a pre-signed query, or None."""
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    query = parse_qs(environ.get("QUERY_STRING", ""))
    named = header.partition("Credential=")[2] or query.get("X-Amz-Credential", query.get("AWSAccessKeyId", [""]))[0]
    return named.partition("/")[0] or None

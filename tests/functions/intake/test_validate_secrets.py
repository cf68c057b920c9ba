"""What may be a secret in a wrong place is not repeated, not even in part: errors are stored, mailed and logged."""

import json
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from functions.errors import RequestRefused
from functions.intake import serial_list
from functions.models.request import SerialInput, SerialListFormat
from tests.functions.preparing import prepare
from tests.support.pki import A
from tests.support.steps import Steps

SECRETS = {
    "P-256 scalar, base64": "jpsQnnGQmL+YBIffH1136cspYG6/0iY7X1fCE9aE9LI=",
    "P-256 scalar, hexadecimal": "8e9b109e719098bf980487df1f5d77e9cb29606ebfd2263b5f57c213d684f4b2",
    "AWS secret access key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "16 octets, base64": "3q2+796tvu/erb7v3q2+7w==",
    "JWK": json.dumps({"kty": "EC", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}),
}


def read(text: str, list_format: SerialListFormat) -> None:
    """Read a list of serials."""
    serial_list.read(text.encode(), list_format, "x")


LISTS: dict[str, Callable[[str], object]] = {
    "a serial": SerialInput.model_validate,
    "a line": lambda secret: read(secret, SerialListFormat.LINES),
    "a header": lambda secret: read(f"serial,serial2,{secret}\n", SerialListFormat.CSV),
    "a header twice": lambda secret: read(f"{secret},{secret}\n0a:1b,\n", SerialListFormat.CSV),
    "the only cell": lambda secret: read(f"{secret}\n", SerialListFormat.CSV),
    "a cell": lambda secret: read(f"serial,reason\n{secret},\n", SerialListFormat.CSV),
    "a reason": lambda secret: read(f"serial,reason\n0a:1b,{secret}\n", SerialListFormat.CSV),
    "a name in JSON": lambda secret: read(json.dumps([{"serial": "0a:1b", secret: 1}]), SerialListFormat.JSON),
    "JSON that is not": lambda secret: read(secret, SerialListFormat.JSON),
    "a line of JSON": lambda secret: read(secret, SerialListFormat.JSON_LINES),
}
FIELDS: dict[str, Callable[[str], dict[str, object]]] = {
    "an unknown field": lambda secret: {secret: 1},
    "a field of Polling": lambda secret: {"Polling": {secret: 1}},
    "the reason": lambda secret: {"RevocationReason": secret},
    "the ticket": lambda secret: {"Ticket": [secret]},
    "the CA": lambda secret: {"CertificateAuthorityArn": secret},
    "a trust store": lambda secret: {"TrustStoreArns": [secret]},
    "a certificate": lambda secret: {"Certificates": [secret]},
    "the list": lambda secret: {"SerialList": secret},
}


def parts(secret: str) -> list[str]:
    """Return every six characters of a secret."""
    return [secret[at : at + 6] for at in range(len(secret) - 5) if '"' not in secret[at : at + 6]]


@pytest.mark.parametrize("place", LISTS)
@pytest.mark.parametrize("secret", SECRETS)
def test_secret_in_a_list(secret: str, place: str) -> None:
    """Neither a line's nor a column's fault quotes it."""
    with pytest.raises((RequestRefused, ValidationError)) as raised:
        LISTS[place](SECRETS[secret])
    assert [part for part in parts(SECRETS[secret]) if part in str(raised.value)] == []


@pytest.mark.parametrize("place", FIELDS)
@pytest.mark.parametrize("secret", SECRETS)
def test_secret_in_a_field(steps: Steps, secret: str, place: str) -> None:
    """Neither the name of an unknown field nor a value is quoted."""
    with pytest.raises(RequestRefused) as raised:
        prepare(
            steps,
            {"Serials": [f"0x{A:x}"], "TrustStoreArns": [steps.trust_store_arn], **FIELDS[place](SECRETS[secret])},
        )
    assert [part for part in parts(SECRETS[secret]) if part in str(raised.value)] == []

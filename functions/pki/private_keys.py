"""Private keys in the place of something else: refused before a word of them is shown, logged or kept."""

import binascii
import re
from contextlib import suppress

from functions.errors import PrivateKeyGiven

# The armour of every kind of PEM, also with its hyphens or its case lost on the way, or URL-encoded; PuTTY's; what
# openssl prints.
_ARMOUR = re.compile(
    rb"BEGIN(?: |%20|\+)(?:[A-Z0-9]{1,20}(?: |%20|\+)){0,4}PRIVATE(?: |%20|\+)KEY"
    rb"|PuTTY-User-Key-File|Private-Key:|^[ \t]*priv:|privateExponent:",
    re.IGNORECASE | re.MULTILINE,
)
# How the DER of a key begins, which no certificate and no CRL does: version 0 or 1 and then the algorithm (PKCS #8), a
# number (PKCS #1) or octets (SEC 1); or a password's algorithm (PKCS #8, encrypted).
_SEQUENCE = rb"\x30(?:[\x01-\x80]|\x81.|\x82..|\x83...)"
_KEY = re.compile(
    _SEQUENCE + rb"(?:\x02\x01[\x00\x01][\x30\x02\x04]|" + _SEQUENCE + rb"\x06.\x2a\x86\x48\x86\xf7\x0d\x01[\x05\x0c])",
    re.DOTALL,
)
# How base64 of a SEQUENCE or of PEM begins; as much of it as tells what it is. All lines of PEM but one are longer.
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])(?:M[A-P][A-Za-z0-9+/]{38}|LS0tLS1CRUdJTi[A-Za-z0-9+/]{38})")


def refuse(data: bytes, thing: str) -> None:
    """Refuse what holds a private key: its armour or its base64 anywhere in it, or as DER.

    Raises:
        PrivateKeyGiven: nothing of the key is in its words.

    """
    lines = data.replace(rb"\n", b"\n").replace(b"%0A", b"\n")  # as JSON and headers write them
    begins = map(decode_base64, _BASE64.findall(lines))
    if _ARMOUR.search(data) or _KEY.match(data) or any(_KEY.match(each) or _ARMOUR.search(each) for each in begins):
        raise PrivateKeyGiven(
            f"{thing} holds a private key: give certificates or serial numbers alone. Whatever an execution is given "
            "is kept, in its history or in S3, so treat this key as known to others"
        )


def decode_base64(text: bytes) -> bytes:
    """Decode base64, or give nothing where it is none."""
    with suppress(binascii.Error):
        return binascii.a2b_base64(b"".join(text.split()), strict_mode=True)
    return b""

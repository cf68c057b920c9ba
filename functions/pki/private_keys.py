"""Refuses input that holds a private key, before any part of it is shown, logged or stored."""

import binascii
import re
from contextlib import suppress
from itertools import chain

from functions.errors import PrivateKeyGiven

# The BEGIN line of every kind of PEM, also without its hyphens, in lower case or URL-encoded; PuTTY's first line; what
# openssl prints.
_PEM_BEGIN = re.compile(
    rb"BEGIN(?: |%20|\+)(?:[A-Z0-9]{1,20}(?: |%20|\+)){0,4}PRIVATE(?: |%20|\+)KEY"
    rb"|PuTTY-User-Key-File|Private-Key:|^[ \t]*priv:|privateExponent:",
    re.IGNORECASE | re.MULTILINE,
)
# A JSON Web Key with the private part of a key (RFC 7518, 6.2.2 and 6.3.2) or a symmetric one (6.4), also where its
# quotes are doubled or escaped, as in CSV or JSON.
_JWK = re.compile(rb"""["'\\]{1,3}[dk]["'\\]{1,3}[ \t\r\n]{0,9}:[ \t\r\n]{0,9}["'\\]{1,3}[A-Za-z0-9_-]{16}""")
# The first octets of a key's DER, which no certificate or CRL has: version 0 or 1, then an algorithm (PKCS #8), a
# number (PKCS #1) or octets (SEC 1); or the algorithm of a password (PKCS #8, encrypted).
_SEQUENCE = rb"\x30(?:[\x01-\x80]|\x81.|\x82..|\x83...)"
_KEY = re.compile(
    _SEQUENCE + rb"(?:\x02\x01[\x00\x01][\x30\x02\x04]|" + _SEQUENCE + rb"\x06.\x2a\x86\x48\x86\xf7\x0d\x01[\x05\x0c])",
    re.DOTALL,
)
# The start of base64 of a SEQUENCE or of PEM, as much as identifies a key. Only the last line of PEM may be shorter.
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])(?:M[A-P][A-Za-z0-9+/]{38}|LS0tLS1CRUdJTi[A-Za-z0-9+/]{38})")


def refuse(data: bytes, source: str) -> None:
    """Refuse data that is a private key in DER, or holds the PEM, base64 or JWK of one anywhere.

    Raises:
        PrivateKeyGiven: with `source` as the name of the data, and no part of the key.

    """
    lines = data.replace(rb"\n", b"\n").replace(b"%0A", b"\n")  # as JSON and headers write them
    candidates = chain([data], map(decode_base64, _BASE64.findall(lines)))
    is_jwk = b"kty" in data and _JWK.search(data)
    if is_jwk or any(_KEY.match(each) or _PEM_BEGIN.search(each) for each in candidates):
        raise PrivateKeyGiven(
            f"{source} holds a private key: give certificates or serial numbers alone. An execution's input is "
            "stored, in its history or in S3, so treat this key as known to others"
        )


def decode_base64(text: bytes) -> bytes:
    """Return the bytes of a base64 text, or no bytes if it is not base64."""
    with suppress(binascii.Error):
        return binascii.a2b_base64(b"".join(text.split()), strict_mode=True)
    return b""

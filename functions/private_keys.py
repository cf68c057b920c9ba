"""Private keys in the place of something else: refused before a word of them is shown, logged or kept."""

import binascii
import re
from contextlib import suppress

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key

from functions.errors import PrivateKeyGiven

# The armour of every kind of PEM, also with its hyphens or its case lost on the way, and PuTTY's.
_ARMOUR = re.compile(rb"BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY|PuTTY-User-Key-File", re.IGNORECASE)
_LARGEST = 16 * 1024  # an RSA key of 16,384 bits has 9 KB as DER, 13 KB as base64


def refuse(data: bytes, thing: str) -> None:
    """Refuse what holds a private key: with its armour anywhere in it, or alone as DER, or as base64 of that.

    Raises:
        PrivateKeyGiven: nothing of the key is in its words.

    """
    if _ARMOUR.search(data) or (len(data) <= _LARGEST and any(map(_is_key, (data, _of_base64(data))))):
        raise PrivateKeyGiven(
            f"{thing} holds a private key: give certificates or serial numbers alone. Whatever an execution is given "
            "is kept, in its history or in S3, so treat this key as known to others"
        )


def _of_base64(data: bytes) -> bytes:
    with suppress(binascii.Error):
        return binascii.a2b_base64(b"".join(data.split()), strict_mode=True)
    return b""


def _is_key(der: bytes) -> bool:
    try:
        # Unvalidated: whether its numbers are primes takes a minute, and does not matter here.
        load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:  # encrypted
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True

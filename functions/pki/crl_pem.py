"""The text form of a CRL (RFC 7468, 7), the only one that a trust store takes, as openssl writes it."""

import re
import struct
from binascii import Error, a2b_base64, b2a_base64
from typing import BinaryIO

from functions.errors import CrlMalformed

# Only the standard library is imported here: a process that does nothing but convert starts at once.

PEM_BEGIN = b"-----BEGIN X509 CRL-----"
_END = b"-----END X509 CRL-----"
_ENCAPSULATED = re.compile(re.escape(PEM_BEGIN) + rb"\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n" + re.escape(_END) + rb"[\r\n]*")
_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")

# 256 lines of 48 octets at a time: larger blocks are no faster, and the memory stays small.
_LINES = 256
_BLOCK = 48 * _LINES
_SPLIT = struct.Struct("64s" * _LINES)


def is_pem(data: bytes) -> bool:
    """Tell whether the bytes mean to be PEM; DER begins with a SEQUENCE tag, which is no hyphen."""
    return data.startswith(b"-----")


def read_pem(data: bytes) -> bytes:
    """Return the DER of exactly one PEM CRL, with nothing before or after it but line ends.

    Raises CrlMalformed. RFC 7468 lets a reader skip text around the block; what a trust store makes of such
    text, or of a second block, AWS does not say, so it is refused.
    """
    if (blocks := data.count(b"-----BEGIN ")) != 1:
        raise CrlMalformed(f"the PEM text holds {blocks} blocks, and exactly one is allowed")
    if not data.startswith(PEM_BEGIN) and (label := _LABEL.match(data)):
        raise CrlMalformed(f"the PEM text is a {label[1].decode()}, and no X509 CRL")
    if (match := _ENCAPSULATED.fullmatch(data)) is None:
        raise CrlMalformed(f"the PEM text is not {PEM_BEGIN.decode()}, base64, {_END.decode()} and nothing else")
    try:
        return a2b_base64(match[1].translate(None, b"\r\n"), strict_mode=True)
    except Error as error:
        raise CrlMalformed(f"the PEM text's base64 cannot be read: {error}") from error


def pem_size(der_size: int) -> int:
    """Return how many bytes `write_pem` makes of so many bytes of DER."""
    base64 = -(-der_size // 3) * 4
    return len(PEM_BEGIN) + 1 + base64 + -(-base64 // 64) + len(_END) + 1


def write_pem(der: bytes, sink: BinaryIO) -> None:
    """Write DER as PEM, byte for byte as `openssl crl -inform DER -outform PEM` does."""
    view = memoryview(der)
    whole = len(der) - len(der) % _BLOCK
    sink.write(PEM_BEGIN + b"\n")
    for at in range(0, whole, _BLOCK):
        lines = _SPLIT.unpack(b2a_base64(view[at : at + _BLOCK], newline=False))
        sink.write(b"\n".join(lines) + b"\n")
    for at in range(whole, len(der), 48):
        sink.write(b2a_base64(view[at : at + 48]))
    sink.write(_END + b"\n")

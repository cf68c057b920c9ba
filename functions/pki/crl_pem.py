"""Converts a CRL between DER and PEM (RFC 7468, 7), the only form that a trust store accepts."""

import re
import struct
from binascii import Error, a2b_base64, b2a_base64
from typing import BinaryIO

from functions import limits
from functions.errors import CrlMalformed, CrlTooLarge

# Only the standard library is imported here, so a process that only converts starts fast.

PEM_BEGIN = b"-----BEGIN X509 CRL-----"
_END = b"-----END X509 CRL-----"
_ENCAPSULATED = re.compile(re.escape(PEM_BEGIN) + rb"\r?\n([A-Za-z0-9+/=\r\n]+)\r?\n" + re.escape(_END) + rb"[\r\n]*")
_SEQUENCE = b"\x30"
_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")

# 256 lines of 48 octets at a time: larger blocks are no faster, and the memory stays small.
_LINES = 256
_BLOCK = 48 * _LINES
_SPLIT = struct.Struct("64s" * _LINES)


def to_der(data: bytes) -> bytes:
    """Return the DER of a CRL in either form.

    Raises CrlTooLarge, also if only its PEM would be too large, and CrlMalformed if it is in neither form.
    """
    _require_size("file", len(data))
    der = read_pem(data) if is_pem(data) else data
    _require_size("PEM", pem_size(len(der)))
    if der is data and der[:1] not in (b"", _SEQUENCE):
        reason = f"CertificateList at offset 0 has tag 0x{der[0]:02x} instead of 0x30, so it is not DER"
        if PEM_BEGIN in data:
            reason += ", and its PEM has text before it: openssl crl -in FILE -out NEW writes the PEM alone"
        else:
            reason += f", nor PEM, which begins with {PEM_BEGIN.decode()}"
        raise CrlMalformed(reason)
    return der


def _require_size(form: str, size: int) -> None:
    if size > limits.MAX_CRL_BYTES:
        raise CrlTooLarge(f"the CRL has {size:,} bytes as {form}, and a trust store takes {limits.MAX_CRL_BYTES:,}")


def is_pem(data: bytes) -> bool:
    """Return whether the bytes are PEM; DER begins with a SEQUENCE tag, which is not a hyphen."""
    return data.startswith(b"-----")


def read_pem(data: bytes) -> bytes:
    """Return the DER of exactly one PEM CRL, with nothing before or after it but line ends.

    Raises CrlMalformed. RFC 7468 lets a reader skip text around the block; AWS does not document what a trust store
    does with such text, or with a second block, so both are refused.
    """
    if (blocks := data.count(b"-----BEGIN ")) != 1:
        raise CrlMalformed(f"the PEM text holds {blocks} blocks, and exactly one is allowed")
    if not data.startswith(PEM_BEGIN) and (label := _LABEL.match(data)):
        raise CrlMalformed(f"the PEM text is a {label[1].decode()}, and not an X509 CRL")
    if (match := _ENCAPSULATED.fullmatch(data)) is None:
        raise CrlMalformed(f"the PEM text is not {PEM_BEGIN.decode()}, base64, {_END.decode()} and nothing else")
    try:
        return a2b_base64(match[1].translate(None, b"\r\n"), strict_mode=True)
    except Error as error:
        raise CrlMalformed(f"the PEM text's base64 cannot be read: {error}") from error


def pem_size(der_size: int) -> int:
    """Return how many bytes `write_pem` writes for DER of this size."""
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

"""CRLs encoded by hand: what the builder of cryptography refuses, and what would take it hours.

(It copies its list at every entry.)
"""

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from functions.pki.certificate_list import integer_octets
from tests.support.pki import DAY, HOUR, NOW, SHA256, InMemoryCa

INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
ENUMERATED = 0x0A
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30


def wrap(tag: int, *contents: bytes) -> bytes:
    """Return an element around the contents."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


V2 = wrap(INTEGER, b"\x01")
EXPLICIT_EXTENSIONS = 0xA0
REASON_CODE = "2.5.29.21"
_ALGORITHMS = {
    ec.EllipticCurvePrivateKey: wrap(SEQUENCE, bytes.fromhex("06082a8648ce3d040302")),  # ecdsa-with-SHA256
    rsa.RSAPrivateKey: wrap(SEQUENCE, bytes.fromhex("06092a864886f70d01010b0500")),  # sha256WithRSAEncryption
}


def utc_time(moment: datetime) -> bytes:
    """Encode a UTCTime."""
    return wrap(UTC_TIME, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(moment: datetime) -> bytes:
    """Encode a GeneralizedTime."""
    return wrap(GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def extension(dotted: str, value: bytes, *, critical: bytes = b"") -> bytes:
    """Encode an Extension; `critical` is the whole BOOLEAN."""
    oid = asn1.encode_der(x509.ObjectIdentifier(dotted))
    return wrap(SEQUENCE, oid, critical, wrap(OCTET_STRING, value))


def reason(code: int) -> bytes:
    """Encode the extensions of an entry with a reason code."""
    return wrap(SEQUENCE, extension(REASON_CODE, wrap(ENUMERATED, bytes((code,)))))


def entry(serial: int, *, date: bytes = utc_time(NOW - HOUR), extensions: bytes = b"") -> bytes:
    """Encode an entry of revokedCertificates."""
    return wrap(SEQUENCE, wrap(INTEGER, integer_octets(serial)), date, extensions)


def hand_made_crl(  # noqa: PLR0913, these are the parts of a CRL
    authority: InMemoryCa,
    *,
    version: bytes = V2,
    this_update: bytes = utc_time(NOW - HOUR),
    next_update: bytes = utc_time(NOW + 7 * DAY),
    entries: bytes = b"",
    revoked: bytes | None = None,
    extensions: bytes | None = None,
    number: int = 1,
    outer_algorithm: bytes | None = None,
    inner_algorithm: bytes | None = None,
) -> bytes:
    """Sign a CRL put together from encoded parts; `revoked` is the whole revokedCertificates."""
    algorithm = next(found for kind, found in _ALGORITHMS.items() if isinstance(authority.key, kind))
    if revoked is None:
        revoked = wrap(SEQUENCE, entries) if entries else b""
    tbs = wrap(
        SEQUENCE,
        version,
        inner_algorithm or algorithm,
        authority.certificate.subject.public_bytes(),
        this_update,
        next_update,
        revoked,
        crl_extensions(authority, number) if extensions is None else extensions,
    )
    return wrap(SEQUENCE, tbs, outer_algorithm or algorithm, wrap(BIT_STRING, b"\0", _signature(authority, tbs)))


def crl_extensions(authority: InMemoryCa, number: int = 1, *more: bytes) -> bytes:
    """Encode the extensions of a good CRL, and more."""
    key = extension("2.5.29.35", wrap(SEQUENCE, wrap(0x80, authority.key_identifier)))
    return wrap(
        EXPLICIT_EXTENSIONS,
        wrap(SEQUENCE, key, extension("2.5.29.20", wrap(INTEGER, integer_octets(number))), *more),
    )


def _signature(authority: InMemoryCa, tbs: bytes) -> bytes:
    if isinstance(authority.key, rsa.RSAPrivateKey):
        return authority.key.sign(tbs, padding.PKCS1v15(), SHA256)
    if isinstance(authority.key, ec.EllipticCurvePrivateKey):
        return authority.key.sign(tbs, ec.ECDSA(SHA256))
    raise TypeError(type(authority.key))


def random_serials(count: int, *, octets: int = 16, seed: int = 1) -> list[int]:
    """Return distinct serials as CAs issue them, the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311, a test wants the same every time
    serials: dict[int, None] = {}
    while len(serials) < count:
        serials[chance.getrandbits(8 * octets) | 1] = None
    return list(serials)


def large_crl(authority: InMemoryCa, serials: Collection[int], *, number: int = 1, seed: int = 1) -> bytes:
    """Sign a CRL of any size, as Private CA fills them: a date and mostly a reason for each entry."""
    chance = random.Random(seed)  # noqa: S311, a test wants the same every time
    reasons = [b"", *(reason(code) for code in (1, 2, 3, 4, 5, 9, 10) for _ in range(3))]
    first = NOW - 365 * DAY
    dates = [
        utc_time(first + timedelta(seconds=chance.randrange(365 * 86_400))) for _ in range(min(len(serials), 100_000))
    ]
    entries = b"".join(
        entry(serial, date=chance.choice(dates), extensions=chance.choice(reasons)) for serial in serials
    )
    return hand_made_crl(authority, entries=entries, number=number)

"""The two forms in which a CRL comes, DER and PEM, and how large it may be."""

from functions import limits
from functions.errors import CrlMalformed, CrlTooLarge
from functions.pki.crl_pem import PEM_BEGIN, is_pem, pem_size, read_pem

_SEQUENCE = b"\x30"


def der_of(data: bytes) -> bytes:
    """Return the DER of a CRL in either form.

    Raises CrlTooLarge, also when it is its PEM that would be, and CrlMalformed when it is neither form.
    """
    _require_size("file", len(data))
    der = read_pem(data) if is_pem(data) else data
    _require_size("PEM", pem_size(len(der)))
    if der is data and der[:1] not in (b"", _SEQUENCE):
        told = f"CertificateList at offset 0 has tag 0x{der[0]:02x} instead of 0x30, so it is no DER"
        if PEM_BEGIN in data:
            told += ", and its PEM has text before it: openssl crl -in FILE -out NEW writes the PEM alone"
        else:
            told += f", and no PEM either, which begins with {PEM_BEGIN.decode()}"
        raise CrlMalformed(told)
    return der


def _require_size(form: str, size: int) -> None:
    if size > limits.MAX_CRL_BYTES:
        raise CrlTooLarge(f"the CRL has {size:,} bytes as {form}, and a trust store takes {limits.MAX_CRL_BYTES:,}")

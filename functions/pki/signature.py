"""Verifies signatures of CRLs and certificates, with the algorithms that load balancers accept (RFC 5280, 5.1.1.3)."""

import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from functions.pki.unreadable import refuse_unreadable

# "Mutual authentication with TLS in Application Load Balancer": the accepted signature algorithms.
_HASHES = frozenset({"sha256", "sha384", "sha512"})
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})


def verify(
    tbs: memoryview, signed: x509.CertificateRevocationList | x509.Certificate, issuer: x509.Certificate
) -> None:
    """Verify the signature that a CRL or certificate carries over the DER of its tbsCertList or tbsCertificate.

    Raises InvalidSignature, and UnsupportedAlgorithm for an algorithm or key that is not accepted. cryptography's
    is_signature_valid first encodes the whole list again, half a second at 500,000 entries; this hashes the bytes
    that were signed.
    """
    oid = signed.signature_algorithm_oid.dotted_string
    with refuse_unreadable(UnsupportedAlgorithm, f"{oid} or the CA's key cannot be read"):
        algorithm, parameters = signed.signature_hash_algorithm, signed.signature_algorithm_parameters
        key = issuer.public_key()
    if algorithm is None or algorithm.name not in _HASHES:
        raise UnsupportedAlgorithm(f"{oid} is not one of SHA-256, SHA-384 and SHA-512")
    digest = hashlib.new(algorithm.name, tbs).digest()
    with refuse_unreadable(UnsupportedAlgorithm, f"{oid} cannot be verified with the CA's key"):
        if isinstance(key, rsa.RSAPublicKey) and isinstance(parameters, padding.PKCS1v15 | padding.PSS):
            key.verify(signed.signature, digest, parameters, Prehashed(algorithm))
        elif (
            isinstance(key, ec.EllipticCurvePublicKey)
            and key.curve.name in _CURVES
            and isinstance(parameters, ec.ECDSA)
        ):
            key.verify(signed.signature, digest, ec.ECDSA(Prehashed(algorithm)))
        else:
            kind = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
            raise UnsupportedAlgorithm(f"{oid} with the CA's key ({kind}) is not one that load balancers accept")

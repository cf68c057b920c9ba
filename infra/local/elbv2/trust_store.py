"""Trust stores of Elastic Load Balancing: what a listener verifies client certificates against."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from functions.pki import names
from functions.pki.certificate_extensions import subject_key_identifier
from functions.pki.certificate_list import outline
from functions.pki.crl import find_extension
from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings

_BLOCK = re.compile(
    rb"-----BEGIN (?P<label>[A-Z0-9 ]+)-----\r?\n(?:[A-Za-z0-9+/=]+\r?\n)+-----END (?P=label)-----(?:\r?\n|$)"
)
_COMMENTS = re.compile(rb"(?:#[^\n-]*\n)*")
_HASHES = {"sha256", "sha384", "sha512"}
_RSA_BITS = range(2048, 8192 + 1)
_CURVES = {"secp256r1", "secp384r1", "secp521r1"}
# openssl/x509_vfy.h: X509_V_FLAG_NO_CHECK_TIME, X509_V_ERR_UNSPECIFIED
_NO_CHECK_TIME, _UNSPECIFIED = 0x200000, 1
_CERTIFICATE_BYTES = 16 * 1024  # aws: load-balancer-limits
_INVALID_LIST, _INVALID_BUNDLE = "InvalidRevocationContent", "InvalidCaCertificatesBundle"


@dataclass(frozen=True)
class RevocationList:
    """The trust store's copy of a CRL; what each handshake needs is computed once."""

    revocation_id: int
    pem: bytes
    crl: x509.CertificateRevocationList
    added_at: float = field(default_factory=time.monotonic)
    stores: dict[bytes, crypto.X509Store] = field(default_factory=dict)  # OpenSSL's, by issuer

    @cached_property
    def number_of_entries(self) -> int:
        """The number of revoked certificates."""
        return len(self.crl)

    @cached_property
    def serials(self) -> frozenset[int]:
        """The serial numbers of the revoked certificates."""
        return frozenset(revoked.serial_number for revoked in self.crl)

    def has_expired(self, now: datetime) -> bool:
        """Return whether nextUpdate has passed."""
        next_update = self.crl.next_update_utc
        return next_update is not None and next_update <= now

    @cached_property
    def issuer(self) -> names.CanonicalName:
        """The issuer, as TLS libraries compare it."""
        der = self.crl.public_bytes(Encoding.DER)
        return names.canonical(der[outline(der).issuer])

    def names_key_of(self, issuer: x509.Certificate) -> bool:
        """Return whether its authority key identifier is the issuer's key, or one of the two has none."""
        listed = find_extension(self.crl, x509.AuthorityKeyIdentifier)
        held = subject_key_identifier(issuer)
        return not listed or held is None or listed.key_identifier in (None, held)

    def error_of(self, certificate: x509.Certificate, issuer: x509.Certificate) -> int:
        """Return OpenSSL's error for a certificate whose issuer's list this is, or 0; times are not checked."""
        encoded = issuer.public_bytes(Encoding.DER)
        try:
            if encoded not in self.stores:
                self.stores[encoded] = self._store(issuer)
            crypto.X509StoreContext(
                self.stores[encoded], crypto.X509.from_cryptography(certificate)
            ).verify_certificate()
        except crypto.X509StoreContextError as error:
            return int(error.errors[0])
        except crypto.Error:
            return _UNSPECIFIED  # OpenSSL cannot load the list
        return 0

    def _store(self, issuer: x509.Certificate) -> crypto.X509Store:
        store = crypto.X509Store()
        store.add_cert(crypto.X509.from_cryptography(issuer))
        store.add_crl(self.crl)
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.PARTIAL_CHAIN | _NO_CHECK_TIME)
        return store


@dataclass
class TrustStore:
    """A bundle of CA certificates and the revocation lists attached to it."""

    arn: str
    name: str
    settings: Settings
    bundle: bytes
    certificates: Sequence[x509.Certificate] = ()
    lists: dict[int, RevocationList] = field(default_factory=dict)
    status: str = "ACTIVE"
    _last_id: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Read and check the bundle."""
        self.replace_bundle(self.bundle)

    def replace_bundle(self, bundle: bytes) -> None:
        """Replace the CA certificates; the lists stay.

        Raises:
            ServiceError: InvalidCaCertificatesBundle if load balancers do not accept the bundle.

        """
        self.certificates = read_bundle(bundle, self.settings.trust_stores.max_ca_certificates)
        self.bundle = bundle

    def add(self, contents: Sequence[bytes]) -> list[RevocationList]:
        """Attach the CRLs of these files, all or none; IDs rise and are never reused.

        Raises:
            ServiceError: InvalidRevocationContent if a file is not exactly one PEM CRL that load balancers accept;
                TooManyTrustStoreRevocationEntries if a quota of the trust store would be exceeded.

        """
        crls = [(content, read_crl(content, self.settings.trust_stores.max_list_bytes)) for content in contents]
        with self._lock:
            added = [RevocationList(self._last_id + number, *each) for number, each in enumerate(crls, start=1)]
            all_lists = [*self.lists.values(), *added]
            entries, limits = sum(each.number_of_entries for each in all_lists), self.settings.trust_stores
            # The code is documented for the entries; that for one list too many is not, and no other fits.
            quotas = [("entries", entries, limits.max_entries), ("lists", len(all_lists), limits.max_lists)]
            for kind, number, quota in quotas:
                if number > quota:
                    message = f"The trust store would hold {number} revocation {kind} of {quota}"
                    raise ServiceError("TooManyTrustStoreRevocationEntries", message)
            self._last_id += len(added)
            self.lists = {each.revocation_id: each for each in all_lists}
        return added

    def remove(self, revocation_ids: Sequence[int]) -> None:
        """Detach lists, all or none; what AWS does if one of several IDs is unknown is not documented.

        Raises:
            ServiceError: RevocationIdNotFound if the trust store has no list of that ID.

        """
        with self._lock:
            if unknown := set(revocation_ids) - self.lists.keys():
                raise _not_found(min(unknown))
            self.lists = {number: each for number, each in self.lists.items() if number not in revocation_ids}

    @property
    def visible_lists(self) -> list[RevocationList]:
        """The lists that the API shows, by ascending ID; a new one appears with a delay."""
        latest = time.monotonic() - self.settings.trust_stores.visibility_delay_seconds
        return [attached for attached in self.lists.values() if attached.added_at <= latest]

    def find_list(self, revocation_id: int) -> RevocationList:
        """Return a list that the API shows.

        Raises:
            ServiceError: RevocationIdNotFound if the API shows no list with this ID, or not yet.

        """
        for attached in self.visible_lists:
            if attached.revocation_id == revocation_id:
                return attached
        raise _not_found(revocation_id)

    def snapshot(self, *, ignore_client_certificate_expiry: bool = False) -> "TrustSnapshot":
        """Return what a listener verifies against at this moment."""
        return TrustSnapshot(self.certificates, list(self.lists.values()), ignore_client_certificate_expiry)

    @property
    def total_revoked_entries(self) -> int:
        """The sum over all lists; AWS does not document whether a serial in two lists counts twice."""
        return sum(each.number_of_entries for each in self.visible_lists)


def _not_found(revocation_id: int) -> ServiceError:
    return ServiceError("RevocationIdNotFound", f"Revocation id '{revocation_id}' was not found in the trust store")


@dataclass(frozen=True)
class TrustSnapshot:
    """What one handshake is verified against: CA certificates and revocation lists by ascending ID."""

    certificates: Sequence[x509.Certificate]
    lists: Sequence[RevocationList]
    ignore_client_certificate_expiry: bool = False


def read_crl(content: bytes, max_bytes: int) -> x509.CertificateRevocationList:
    """Return the CRL of a revocation file.

    Only format and algorithm are checked, not the issuer, signature or dates: nothing documents that AWS checks them.

    Raises:
        ServiceError: InvalidRevocationContent if it is not one PEM CRL, or too large, or signed with another algorithm.

    """
    if len(content) > max_bytes:
        raise ServiceError(_INVALID_LIST, f"The revocation file has {len(content)} bytes of {max_bytes}")
    try:
        blocks = _pem_blocks(content, b"X509 CRL")
        if len(blocks) > 1:
            # AWS's message, as quoted in MickWest/Sitrec2, docs/dev/Installing-Hardened-Sitrec-on-AWS.md
            raise ServiceError(_INVALID_LIST, "More than one CRL objects in the revocation file")
        crl = x509.load_pem_x509_crl(b"".join(blocks))
        algorithm = crl.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ServiceError(_INVALID_LIST, f"The revocation file is not a PEM-encoded CRL: {error}") from error
    if algorithm is None or algorithm.name not in _HASHES:
        raise ServiceError(
            _INVALID_LIST, f"The CRL uses an incorrect algorithm: {crl.signature_algorithm_oid.dotted_string}"
        )
    return crl


def read_bundle(content: bytes, max_certificates: int) -> list[x509.Certificate]:
    """Return the certificates of a CA certificate bundle.

    Raises:
        ServiceError: InvalidCaCertificatesBundle if load balancers do not accept the bundle.

    """
    try:
        blocks = _pem_blocks(content, b"CERTIFICATE")
        certificates = [x509.load_pem_x509_certificate(block) for block in blocks]
    except ValueError as error:
        raise ServiceError(_INVALID_BUNDLE, f"The CA certificates bundle cannot be read: {error}") from error
    if not 1 <= len(certificates) <= max_certificates:
        raise ServiceError(
            _INVALID_BUNDLE,
            f"The CA certificates bundle has {len(certificates)} certificates, and 1 to {max_certificates} are allowed",
        )
    for certificate, block in zip(certificates, blocks, strict=True):
        if len(block) > _CERTIFICATE_BYTES or not _is_supported(certificate):
            raise ServiceError(
                _INVALID_BUNDLE,
                f"Certificate {certificate.subject.rfc4514_string()} is too large or of an unsupported type",
            )
    return certificates


def _is_supported(certificate: x509.Certificate) -> bool:
    """Return whether load balancers support a CA certificate: X.509v3, its key and its hash."""
    try:
        key, algorithm = certificate.public_key(), certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    is_key_supported = (isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES
    )
    is_hash_supported = algorithm is not None and algorithm.name in _HASHES
    return is_key_supported and is_hash_supported and certificate.version is x509.Version.v3


class _MalformedPem(ValueError):
    """A file is not PEM as strict as load balancers require it."""


def _pem_blocks(content: bytes, label: bytes) -> list[bytes]:
    """Return the blocks of a PEM file.

    Load balancers accept neither blank lines nor text between blocks, and comments only in lines that begin with `#`
    and contain no `-` (aws: application/mutual-authentication, for bundles; CRLs are not documented, so the same rule
    is applied).
    """
    blocks, position = [], 0
    while position < len(content):
        position = _match(_COMMENTS, content, position).end()
        if position == len(content):
            break
        block = _match(_BLOCK, content, position)
        if block["label"] != label:
            raise _MalformedPem(f"a block is {block['label'].decode()}, not {label.decode()}")
        blocks.append(block[0])
        position = block.end()
    return blocks


def _match(pattern: re.Pattern[bytes], content: bytes, position: int) -> re.Match[bytes]:
    match = pattern.match(content, position)
    if match is None:
        raise _MalformedPem(f"not PEM at byte {position}")
    return match

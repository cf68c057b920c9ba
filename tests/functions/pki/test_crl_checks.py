"""The checks of a CRL: one test for each error, in the order of the checks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from cryptography import x509

from functions.errors import (
    CrlAuthorityKeyMismatch,
    CrlExpired,
    CrlExtensionUnsupported,
    CrlIssuerMismatch,
    CrlNotYetValid,
    CrlNumberLower,
    CrlNumberMissing,
    CrlNumberReused,
    CrlRefused,
    CrlSignatureInvalid,
    CrlVersionUnsupported,
)
from functions.pki import crl, crl_checks
from tests.support import der_crl, pki
from tests.support.der_crl import SEQUENCE, wrap

CA = pki.certificate_authority()
NAMESAKE = pki.certificate_authority()
SECOND = timedelta(seconds=1)
CRITICAL = b"\x01\x01\xff"


@dataclass
class Attached:
    """A list in a trust store."""

    crl_number: int | None
    sha256: str | None = "00"


def check(
    der: bytes,
    *,
    issuer: x509.Certificate = CA.certificate,
    now: datetime = pki.NOW,
    attached: crl_checks.HasCrlNumber | None = None,
    **options: bool,
) -> None:
    """Read and check a CRL against this module's CA."""
    crl_checks.check(crl.read(der), issuer=issuer, now=now, attached=attached, **options)


def partition(**limits: bool) -> x509.IssuingDistributionPoint:
    """Return an issuing distribution point with one of its limits."""
    everything = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    name = [x509.UniformResourceIdentifier("http://example.com/partition.crl")]
    return x509.IssuingDistributionPoint(
        full_name=name, relative_name=None, only_some_reasons=None, **everything | limits
    )


def test_good_crl_passes() -> None:
    """A complete, signed and timely CRL of the CA passes."""
    check(CA.crl([5, 6]))


def test_crl_without_entries_passes() -> None:
    """A CA that has revoked nothing publishes a good CRL too."""
    check(CA.crl())


def test_non_critical_extension_passes() -> None:
    """An extension that is not critical may be ignored (RFC 5280, 5.2)."""
    check(CA.crl(extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), False)]))


@pytest.mark.parametrize("code", sorted(set(range(11)) - {7, 8}))
def test_reason_passes(code: int) -> None:
    """Every reason that a complete CRL may give passes."""
    check(der_crl.hand_made_crl(CA, entries=der_crl.entry(5, extensions=der_crl.reason(code))))


def test_invalidity_date_passes() -> None:
    """The other entry extension of RFC 5280 that is not critical passes."""
    check(CA.crl([5], entry_extensions=[(x509.InvalidityDate(datetime(2024, 2, 29)), False)]))  # noqa: DTZ001


def test_version_1() -> None:
    """A CRL without extensions and version is refused, for it has no number."""
    with pytest.raises(CrlVersionUnsupported, match="is version 1, and must be version 2"):
        check(der_crl.hand_made_crl(CA, version=b"", extensions=b""))


@pytest.mark.parametrize("critical", [True, False])
def test_delta_crl(critical: bool) -> None:  # noqa: FBT001, pytest passes it by name
    """A delta CRL names only what changed, so it is refused, even with the extension wrongly not critical."""
    with pytest.raises(CrlExtensionUnsupported, match=r"delta CRL indicator \(2.5.29.27\).*3"):
        check(CA.crl(extensions=[(x509.DeltaCRLIndicator(3), critical)]))


@pytest.mark.parametrize("limit", ["", "only_contains_user_certs", "only_contains_ca_certs", "indirect_crl"])
@pytest.mark.parametrize("critical", [True, False])
def test_issuing_distribution_point(limit: str, critical: bool) -> None:  # noqa: FBT001, pytest passes it by name
    """A CRL that may not speak for all certificates of the CA is refused."""
    limits = {limit: True} if limit else {}
    with pytest.raises(CrlExtensionUnsupported, match=r"issuing distribution point \(2.5.29.28\)"):
        check(CA.crl(extensions=[(partition(**limits), critical)]))


def test_unknown_critical_extension() -> None:
    """A critical extension that is not understood is refused (RFC 5280, 5.2)."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
    with pytest.raises(CrlExtensionUnsupported, match=r"critical extension 1\.2\.3\.4 .*refuse every client"):
        check(CA.crl(extensions=[(unknown, True)]))


@pytest.mark.parametrize("critical", [True, False])
def test_entry_of_another_issuer(critical: bool) -> None:  # noqa: FBT001, pytest passes it by name
    """An entry with certificateIssuer is not about this CA's certificate (RFC 5280, 5.3.3), even if not critical."""
    other = x509.CertificateIssuer([x509.DirectoryName(pki.name("Other"))])
    with pytest.raises(CrlExtensionUnsupported, match=r"2\.5\.29\.29 in entry 1"):
        check(CA.crl([5], entry_extensions=[(other, critical)]))


def test_unknown_critical_entry_extension() -> None:
    """A critical extension in an entry that is not understood is refused (RFC 5280, 5.3)."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.300"), b"\5\0")
    with pytest.raises(CrlExtensionUnsupported, match=r"entry extension 2\.999\.300 in entry 2"):
        check(_second_entry_with(unknown))


def _second_entry_with(extension: x509.UnrecognizedExtension) -> bytes:
    encoded = der_crl.extension(extension.oid.dotted_string, extension.value, critical=CRITICAL)
    return der_crl.hand_made_crl(CA, entries=der_crl.entry(5) + der_crl.entry(6, extensions=wrap(SEQUENCE, encoded)))


def test_remove_from_crl() -> None:
    """An entry that undoes a revocation belongs in a delta CRL (RFC 5280, 5.3.1)."""
    with pytest.raises(CrlExtensionUnsupported, match="removeFromCRL in entry 1"):
        check(der_crl.hand_made_crl(CA, entries=der_crl.entry(5, extensions=der_crl.reason(8))))


def test_first_of_two_unsupported_entries() -> None:
    """The first entry that must not be ignored is named."""
    taken_back = der_crl.reason(8)
    with pytest.raises(CrlExtensionUnsupported, match="removeFromCRL in entry 2"):
        check(
            der_crl.hand_made_crl(
                CA,
                entries=der_crl.entry(5)
                + der_crl.entry(6, extensions=taken_back)
                + der_crl.entry(
                    7, extensions=wrap(SEQUENCE, taken_back[2:], der_crl.extension("1.2.3", b"", critical=CRITICAL))
                ),
            )
        )


def test_no_crl_number() -> None:
    """A CRL without a number cannot be distinguished from an older one."""
    with pytest.raises(CrlNumberMissing, match=r"RFC 5280, 5\.2\.3.*add to openssl\.cnf.*crl_extensions = crl_ext"):
        check(CA.crl(number=None))


def test_other_issuer() -> None:
    """Another CA's CRL is refused, and both names are shown."""
    with pytest.raises(CrlIssuerMismatch, match="'CN=Other,O=Example', and the CA is 'CN=Example CA,O=Example'"):
        check(CA.crl(issuer=pki.name("Other")))


def test_issuer_that_load_balancers_treat_as_different() -> None:
    """A name that RFC 5280, 7.1, treats as equal is refused, and the reason stated."""
    authority = pki.certificate_authority("Zürich CA")
    with pytest.raises(CrlIssuerMismatch, match=r"'CN=ZÜRICH CA,.*Load balancers treat these names as different"):
        check(authority.crl(issuer=pki.name("ZÜRICH CA")), issuer=authority.certificate)


def test_no_authority_key_identifier() -> None:
    """A CRL that does not say whose key signed it is refused (RFC 5280, 5.2.1)."""
    with pytest.raises(CrlAuthorityKeyMismatch, match="is absent"):
        check(CA.crl(key_identifier=None))


def test_other_authority_key() -> None:
    """A CRL of another CA of the same name is refused, and both key identifiers are shown."""
    with pytest.raises(CrlAuthorityKeyMismatch) as error:
        check(NAMESAKE.crl())
    for authority in (CA, NAMESAKE):
        assert authority.key_identifier.hex(":") in str(error.value)


def test_ca_without_key_identifier() -> None:
    """What cannot be compared is refused."""
    authority = pki.certificate_authority(key=CA.key, with_key_identifier=False)
    with pytest.raises(CrlAuthorityKeyMismatch, match="subject key identifier is absent"):
        check(CA.crl(), issuer=authority.certificate)


def test_this_update_ahead() -> None:
    """A CRL from the future is refused, and both times are shown."""
    with pytest.raises(CrlNotYetValid) as error:
        check(CA.crl(this_update=pki.NOW + SECOND))
    assert str(pki.NOW) in str(error.value)
    assert str(pki.NOW + SECOND) in str(error.value)


def test_this_update_now_passes() -> None:
    """A CRL is valid from thisUpdate on."""
    check(CA.crl(this_update=pki.NOW))


def test_next_update_passed() -> None:
    """A CRL that should have been replaced by now is refused, and both times are shown."""
    with pytest.raises(CrlExpired) as error:
        check(CA.crl(next_update=pki.NOW - SECOND))
    assert str(pki.NOW) in str(error.value)
    assert str(pki.NOW - SECOND) in str(error.value)


def test_next_update_now() -> None:
    """The next update must lie ahead."""
    with pytest.raises(CrlExpired):
        check(CA.crl(next_update=pki.NOW))


def test_no_next_update() -> None:
    """A CRL that never ends is refused (RFC 5280, 5.1.2.5)."""
    with pytest.raises(CrlExpired, match="absent"):
        check(der_crl.hand_made_crl(CA, next_update=b""))


def test_number_lower_than_attached() -> None:
    """An older CRL never takes the place of a newer one."""
    with pytest.raises(CrlNumberLower, match="CRL number 7 is lower than the attached 9"):
        check(CA.crl(number=7), attached=Attached(9))


def test_number_reused() -> None:
    """Two different CRLs of one number are refused, and both hashes are shown."""
    old, new = CA.crl([5], number=7), CA.crl([6], number=7)
    with pytest.raises(CrlNumberReused) as error:
        check(new, attached=crl.read(old))
    for der in (old, new):
        assert crl.read(der).sha256 in str(error.value)


def test_the_attached_crl_itself_passes() -> None:
    """The CRL that is attached already is accepted: an execution may run twice."""
    der = CA.crl(number=7)
    check(der, attached=crl.read(der))


def test_number_that_passes() -> None:
    """A newer CRL passes; a foreign list, which has no number, is not compared."""
    check(CA.crl(number=10), attached=Attached(9))
    check(CA.crl(number=1), attached=Attached(None, None))


ALL_FAULTS = {"number": None, "issuer": pki.name("Other"), "key": NAMESAKE.key, "next_update": pki.NOW - SECOND}


@pytest.mark.parametrize(
    ("number_fixed", "refusal"),
    list(enumerate([CrlNumberMissing, CrlIssuerMismatch, CrlSignatureInvalid, CrlExpired])),
)
def test_order_of_the_checks(number_fixed: int, refusal: type[CrlRefused]) -> None:
    """Of several faults the first in the fixed order is named, so the same CRL is always refused by one name."""
    with pytest.raises(refusal):
        check(CA.crl(**dict(list(ALL_FAULTS.items())[number_fixed:])))  # type: ignore[arg-type]


def test_is_complete_base() -> None:
    """A good CRL speaks for all certificates of its CA."""
    assert crl_checks.is_complete_base(crl.read(CA.crl()))


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(CA.crl(number=None), id="no number"),
        pytest.param(CA.crl(extensions=[(x509.DeltaCRLIndicator(1), True)]), id="delta"),
        pytest.param(CA.crl(extensions=[(partition(), True)]), id="partition"),
        pytest.param(der_crl.hand_made_crl(CA, version=b"", extensions=b""), id="version 1"),
    ],
)
def test_is_not_complete_base(der: bytes) -> None:
    """A CRL that speaks for a part, or has no number, is never compared with another."""
    assert not crl_checks.is_complete_base(crl.read(der))


def test_key_identifier_that_is_not_required() -> None:
    """It may be absent; if it is there, it must be the CA's. Of a long one 32 octets are shown."""
    for key_identifier in (None, CA.key_identifier):
        check(CA.crl(key_identifier=key_identifier), require_key_identifier=False)
    with pytest.raises(CrlAuthorityKeyMismatch, match=f"is {':'.join(['07'] * 32)}, and"):
        check(CA.crl(key_identifier=b"\x07" * 40), require_key_identifier=False)

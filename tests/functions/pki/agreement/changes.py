"""Changes to a CA and its CRL: each field that somebody looks at, right and wrong, and several at random."""

import random
from collections.abc import Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.hashes import SHA1, SHA224, SHA384

from functions.pki.certificate_list import integer_octets
from tests.functions.pki.agreement.variants import (
    BMP,
    COMMON_NAME,
    CRITICAL,
    IA5,
    NUMERIC,
    ORGANIZATION,
    OTHER,
    PRINTABLE,
    ROOT,
    SERIAL_NUMBER,
    SUBJECT,
    TELETEX,
    UNIVERSAL,
    UTF8,
    Variant,
    common_name,
    name,
)
from tests.support import pki
from tests.support.der_crl import ENUMERATED, INTEGER, SEQUENCE, extension, generalized_time, utc_time, wrap


def names_ca(*, key: bytes | None = b"\x11" * 20, issuer: bytes = SUBJECT, serial: int = 0x1001) -> bytes:
    """Encode an authority key identifier that names a certificate by issuer and serial number."""
    return b"".join(
        (
            wrap(0x80, key) if key is not None else b"",
            wrap(0xA1, wrap(0xA4, issuer)),
            wrap(0x82, integer_octets(serial)),
        )
    )


def _reason(value: bytes, critical: bytes = b"") -> bytes:
    return extension("2.5.29.21", value, critical=critical)


def _names(own: bytes, in_crl: bytes) -> dict[str, object]:
    return {"subject": own, "ca_issuer": own, "leaf_issuer": own, "issuer": in_crl}


_OLD = generalized_time(pki.NOW - pki.DAY)
_NUMERIC = (name((SERIAL_NUMBER, NUMERIC, b"42")), name((SERIAL_NUMBER, PRINTABLE, b"42")))
_LATIN_1 = common_name("Zürich CA".encode("latin-1"), TELETEX)
_TWO = ((ORGANIZATION, UTF8, b"Org"), (COMMON_NAME, UTF8, b"CA"))
_DISTRIBUTION_POINT = wrap(SEQUENCE, wrap(0xA0, wrap(0xA0, wrap(0x86, b"http://example.com/a.crl"))))

# Each changes one field, or a pair that belongs together.
CHANGES: dict[str, dict[str, object]] = {
    "as it should be": {},
    "key usage absent": {"key_usage": None},
    "key usage not critical": {"usage_critical": b""},
    "key usage certSign alone": {"key_usage": b"\x03\x02\x02\x04"},
    "key usage certSign alone, not critical": {"key_usage": b"\x03\x02\x02\x04", "usage_critical": b""},
    "key usage all": {"key_usage": b"\x03\x02\x01\xfe"},
    "CA without key identifier": {"ca_key_identifier": None},
    "CA with an empty key identifier": {"ca_key_identifier": b""},
    "CA with another key identifier": {"ca_key_identifier": b"\x22" * 20},
    "CA under a root": {"ca_issuer": ROOT},
    "CRL without authority key identifier": {"authority": None},
    "authority key identifier empty": {"authority": b""},
    "authority of another key": {"authority": wrap(0x80, b"\x33" * 20)},
    "authority critical": {"authority_critical": CRITICAL},
    "authority with issuer and serial": {"authority": names_ca()},
    "authority with issuer and serial alone": {"authority": names_ca(key=None)},
    "authority with another serial": {"authority": names_ca(serial=0x1000)},
    "authority with another serial alone": {"authority": names_ca(key=None, serial=0x1000)},
    "authority with another issuer": {"authority": names_ca(issuer=OTHER)},
    "authority with an issuer in another case": {"authority": names_ca(issuer=common_name("EXAMPLE ca"))},
    "authority with an issuer of another string type": {
        "authority": names_ca(issuer=common_name("Example CA", PRINTABLE))
    },
    "authority with the root as issuer": {"authority": names_ca(issuer=ROOT), "ca_issuer": ROOT},
    "authority with the subject as issuer, CA under a root": {"authority": names_ca(), "ca_issuer": ROOT},
    "authority with a URI and another issuer": {
        "authority": wrap(0xA1, wrap(0x86, b"http://ca"), wrap(0xA4, OTHER)) + wrap(0x82, b"\x10\x01")
    },
    "authority with two issuers, the second another": {
        "authority": wrap(0xA1, wrap(0xA4, SUBJECT), wrap(0xA4, OTHER)) + wrap(0x82, b"\x10\x01")
    },
    "authority with two issuers, the first another": {
        "authority": wrap(0xA1, wrap(0xA4, OTHER), wrap(0xA4, SUBJECT)) + wrap(0x82, b"\x10\x01")
    },
    "no CRL number": {"number": None},
    "CRL number critical": {"number_critical": CRITICAL},
    "CRL number 0": {"number": wrap(INTEGER, b"\0")},
    "CRL number of 20 octets": {"number": wrap(INTEGER, b"\x7f" + b"\xff" * 19)},
    "CRL number negative": {"number": wrap(INTEGER, b"\x85")},
    "version 1": {"version": b"", "authority": None, "number": None},
    "version 3": {"version": wrap(INTEGER, b"\x02")},
    "version 1 with extensions": {"version": b""},
    "delta": {"more": extension("2.5.29.27", wrap(INTEGER, b"\x04"), critical=CRITICAL)},
    "delta not critical": {"more": extension("2.5.29.27", wrap(INTEGER, b"\x04"))},
    "partition": {"more": extension("2.5.29.28", _DISTRIBUTION_POINT, critical=CRITICAL)},
    "for CA certificates": {"more": extension("2.5.29.28", wrap(SEQUENCE, wrap(0x82, b"\xff")), critical=CRITICAL)},
    "for user certificates": {"more": extension("2.5.29.28", wrap(SEQUENCE, wrap(0x81, b"\xff")), critical=CRITICAL)},
    "indirect": {"more": extension("2.5.29.28", wrap(SEQUENCE, wrap(0x84, b"\xff")), critical=CRITICAL)},
    "freshest CRL": {"more": extension("2.5.29.46", wrap(SEQUENCE, _DISTRIBUTION_POINT))},
    "freshest CRL critical": {"more": extension("2.5.29.46", wrap(SEQUENCE, _DISTRIBUTION_POINT), critical=CRITICAL)},
    "issuer alternative name": {"more": extension("2.5.29.18", wrap(SEQUENCE, wrap(0x86, b"http://ca")))},
    "issuer alternative name critical": {
        "more": extension("2.5.29.18", wrap(SEQUENCE, wrap(0x86, b"http://ca")), critical=CRITICAL)
    },
    "unknown extension": {"more": extension("1.2.3.4", b"\5\0")},
    "unknown critical extension": {"more": extension("1.2.3.4", b"\5\0", critical=CRITICAL)},
    "not yet valid": {"this_update": utc_time(pki.NOW + pki.HOUR)},
    "expired": {"next_update": utc_time(pki.NOW - pki.HOUR)},
    "no next update": {"next_update": b""},
    "times as GeneralizedTime": {"this_update": _OLD, "next_update": generalized_time(pki.NOW + pki.DAY)},
    "entry's time as GeneralizedTime": {"entry_date": _OLD},
    "entry's time ahead": {"entry_date": utc_time(pki.NOW + pki.DAY)},
    "signed by a stranger": {"signed_by": 1},
    "signed with SHA-1": {"inner_hash": SHA1()},  # noqa: S303 - that it is refused is what is tested
    "signed with SHA-224": {"inner_hash": SHA224()},
    "signed with SHA-384": {"inner_hash": SHA384()},
    "two signature algorithms": {"outer_hash": SHA384()},
    "reason": {"entry_extensions": _reason(wrap(ENUMERATED, b"\x01"))},
    "reason critical": {"entry_extensions": _reason(wrap(ENUMERATED, b"\x01"), CRITICAL)},
    "reason unused": {"entry_extensions": _reason(wrap(ENUMERATED, b"\x07"))},
    "reason removeFromCRL": {"entry_extensions": _reason(wrap(ENUMERATED, b"\x08"))},
    "reason INTEGER": {"entry_extensions": _reason(wrap(INTEGER, b"\x01"))},
    "reason of two octets": {"entry_extensions": _reason(wrap(ENUMERATED, b"\x01\x01"))},
    "reason empty": {"entry_extensions": _reason(b"")},
    "reason twice": {"entry_extensions": _reason(wrap(ENUMERATED, b"\x01")) * 2},
    "invalidity date": {"entry_extensions": extension("2.5.29.24", _OLD)},
    "invalidity date critical": {"entry_extensions": extension("2.5.29.24", _OLD, critical=CRITICAL)},
    "unknown entry extension": {"entry_extensions": extension("1.2.3.4", b"\5\0")},
    "unknown critical entry extension": {"entry_extensions": extension("1.2.3.4", b"\5\0", critical=CRITICAL)},
    "certificate issuer": {
        "entry_extensions": extension("2.5.29.29", wrap(SEQUENCE, wrap(0xA4, OTHER)), critical=CRITICAL)
    },
    "certificate issuer not critical": {"entry_extensions": extension("2.5.29.29", wrap(SEQUENCE, wrap(0xA4, OTHER)))},
    "another entry critical": {
        "first_entry": wrap(
            SEQUENCE,
            wrap(INTEGER, b"\x77"),
            utc_time(pki.NOW - pki.HOUR),
            wrap(SEQUENCE, extension("1.2.3.4", b"\5\0", critical=CRITICAL)),
        )
    },
    "another issuer": {"issuer": OTHER},
    "issuer in another case": {"issuer": common_name("EXAMPLE ca")},
    "issuer with blanks": {"issuer": common_name("  Example \t CA ")},
    "issuer as PrintableString": {"issuer": common_name("Example CA", PRINTABLE)},
    "issuer as TeletexString": {"issuer": common_name("Example CA", TELETEX)},
    "issuer as IA5String": {"issuer": common_name("Example CA", IA5)},
    "issuer as BMPString": {"issuer": common_name("Example CA".encode("utf-16-be"), BMP)},
    "issuer as UniversalString": {"issuer": common_name("Example CA".encode("utf-32-be"), UNIVERSAL)},
    "issuer with a blank less": {"issuer": common_name("ExampleCA")},
    "issuer with another letter case, not ASCII": _names(common_name("Zürich CA"), common_name("ZÜRICH CA")),
    "issuer with letters not ASCII": _names(common_name("Zürich CA"), common_name("Zürich ca")),
    "issuer in Latin-1": _names(common_name("Zürich CA"), common_name("Zürich CA".encode("latin-1"), TELETEX)),
    "names in Latin-1": _names(_LATIN_1, _LATIN_1),
    "issuer in UTF-8, subject in Latin-1": _names(_LATIN_1, common_name("Zürich CA")),
    "issuer in Latin-1 with another letter case, not ASCII": _names(
        _LATIN_1, common_name("ZÜRICH CA".encode("latin-1"), TELETEX)
    ),
    "issuer in Latin-1 with another letter case": _names(_LATIN_1, common_name("zürich ca".encode("latin-1"), TELETEX)),
    "names with a TeletexString that is UTF-8": _names(
        common_name("Zürich CA", TELETEX), common_name("Zürich CA", TELETEX)
    ),
    "issuer in UTF-8, subject a TeletexString that is UTF-8": _names(
        common_name("Zürich CA", TELETEX), common_name("Zürich CA")
    ),
    "authority with a TeletexString in the issuer": {
        **_names(_LATIN_1, _LATIN_1),
        "authority": names_ca(issuer=_LATIN_1),
    },
    "names with an ampersand as PrintableString": _names(*[common_name("R&D", PRINTABLE)] * 2),
    "names with a value twice in one RDN": _names(*[name(((COMMON_NAME, UTF8, b"CA"),) * 2)] * 2),
    "issuer in a compatible form": _names(common_name("ﬁrst CA"), common_name("first CA")),
    "issuer with a no-break space": _names(common_name("A\u00a0CA"), common_name("A CA")),
    "issuer NumericString": _names(*_NUMERIC),
    "issuer PrintableString for NumericString": _names(*reversed(_NUMERIC)),
    "issuer of one RDN, subject of two": _names(name(*_TWO), name(_TWO)),
    "issuer's RDNs in another order": _names(name(*_TWO), name(*reversed(_TWO))),
    "issuer's attributes in one RDN": _names(name(_TWO), name(_TWO)),
    "leaf's issuer in another case": {"leaf_issuer": common_name("EXAMPLE ca")},
    "leaf's issuer as PrintableString": {"leaf_issuer": common_name("Example CA", PRINTABLE)},
    "CA's subject as PrintableString": {"subject": common_name("Example CA", PRINTABLE)},
}


def named() -> dict[str, Variant]:
    """Return the variants with one change each."""
    return {label: replace(Variant(), **changes) for label, changes in CHANGES.items()}  # type: ignore[arg-type]


def at_random(seed: int, labels: Sequence[str]) -> tuple[str, Variant]:
    """Return a variant with two to five of these changes or, half the time, with names made at random."""
    chance = random.Random(seed)  # noqa: S311, a test wants the same every time
    chosen, variant = chance.sample(labels, chance.randint(2, 5)), Variant()
    for label in chosen:
        variant = replace(variant, **CHANGES[label])  # type: ignore[arg-type]
    if seed % 2:
        variant = replace(variant, **_names(*_similar_names(chance)))  # type: ignore[arg-type]
    return f"{seed}: {' + '.join(chosen)}", variant


def _similar_names(chance: random.Random) -> tuple[bytes, bytes]:
    """Return two names that OpenSSL may treat as equal: each character is the same, or looks or reads alike."""
    alike = ("aA", "éÉ", "ßẞ", "ﬁﬁ", "iİ", "  ", " \t", " \u00a0", "..", "11")
    pairs = [chance.choice(alike) for _ in range(chance.randint(1, 6))]
    words = ["".join(chance.choice(pair) for pair in pairs) for _ in range(2)]
    if chance.random() < 1 / 3:
        words[1] = chance.choice(("", " ")) + words[1].replace(" ", "  ") + chance.choice(("", "\n"))
    encodings = [chance.choice((("utf-8", UTF8), ("utf-16-be", BMP), ("utf-32-be", UNIVERSAL))) for _ in words]
    one, other = (common_name(word.encode(codec), tag) for word, (codec, tag) in zip(words, encodings, strict=True))
    return one, other

"""Lists of serials in a file: each format, and whatever is not what it says."""

import json
import subprocess
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions import limits
from functions.errors import InvalidSerialList
from functions.intake import serial_list
from functions.models.request import RevocationReason, SerialInput, SerialListFormat, WantedSerial
from functions.pki import serial_number
from tests.support import pki

JSON, JSON_LINES, CSV, LINES = SerialListFormat
STOLEN = RevocationReason.KEY_COMPROMISE
A = WantedSerial(serial=0xAA01)
B = WantedSerial(serial=0xBB02, revocation_reason=STOLEN)


CA_ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/11223344-1234-1122-2233-112233445566"
ARN = f"{CA_ARN}/certificate/{0:028x}"
_REPORTED = {
    "awsAccountId": "123456789012",
    "requestedByServicePrincipal": "acm.amazonaws.com",
    "certificateArn": f"{ARN}aa01",
    "serial": "00:00:aa:01",
    "subject": "CN=one,O=Us",
    "notBefore": "2026-02-26T18:39:57+0000",
    "notAfter": "2027-02-26T19:39:57+0000",
    "issuedAt": "2026-02-26T18:39:58+0000",
}
_REVOKED = {
    **_REPORTED,
    "certificateArn": f"{ARN}bb02",
    "serial": "00:00:bb:02",
    "revokedAt": "2026-03-26T18:39:58+0000",
    "revocationReason": "KEY_COMPROMISE",
    "templateArn": "arn:aws:acm-pca:::template/EndEntityCertificate/V1",
}
AUDIT_REPORT = json.dumps([_REPORTED, _REVOKED])
AUDIT_REPORT_CSV = "\n".join(
    [",".join(_REVOKED), *(",".join(f'"{each.get(name, "")}"' for name in _REVOKED) for each in (_REPORTED, _REVOKED))]
)


def read(text: str | bytes, form: SerialListFormat) -> list[WantedSerial]:
    """Read a list that is called x."""
    return serial_list.read(text if isinstance(text, bytes) else text.encode(), form, "x")


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        pytest.param(JSON, '["aa:01"]', [A], id="JSON, texts"),
        pytest.param(JSON, '["aa:01", {"Serial": "0xbb02", "RevocationReason": "keyCompromise"}]', [A, B], id="JSON"),
        pytest.param(JSON, '{"Serials": ["aa:01"]}', [A], id="JSON, as an input has it"),
        pytest.param(
            JSON_LINES, '"aa:01"\n\n{"Serial": "bb:02", "RevocationReason": "KEY_COMPROMISE"}', [A, B], id="lines"
        ),
        pytest.param(CSV, "serial,reason\naa:01,\nbb:02,keyCompromise\n", [A, B], id="CSV"),
        pytest.param(
            CSV, "Name;Serial Number;Reason\nx;aa:01;\ny;bb:02;Key compromise\n", [A, B], id="CSV, semicolons"
        ),
        pytest.param(CSV, "serial\treason\naa:01\t\nbb:02\tkeyCompromise", [A, B], id="CSV, tabs"),
        pytest.param(CSV, '"name","serial"\n"a, b","aa:01"\n', [A], id="CSV, quoted"),
        pytest.param(CSV, "aa:01\n", [A], id="CSV, no header"),
        pytest.param(CSV, "serial (decimal)\n43521\n", [A], id="CSV, decimal column"),
        pytest.param(
            CSV, "leaf_client_cert_serial_number,n\n9901,3\n", [WantedSerial(serial=0x9901)], id="CSV, from the log"
        ),
        pytest.param(CSV, "sep=;\r\n\r\nSerial;Reason\r\naa:01;\r\n", [A], id="CSV, as Excel writes it"),
        pytest.param(CSV, "aa:01\nbb:02,keyCompromise\n", [A, B], id="CSV, no header, a reason"),
        pytest.param(CSV, "serial,CRL reason code\nbb:02,keyCompromise\n", [B], id="CSV, another name for a reason"),
        *(
            pytest.param(CSV, f"{name},x\naa:01,y\n", [A], id=name)
            for name in ("Cert Serial", "cert_serial", "Certificate Serial No.", "Client Certificate Serial", "SN")
        ),
        pytest.param(CSV, 'serial\n"=""aa:01"""\n\'aa:01\n', [A, A], id="CSV, kept as text by Excel"),
        pytest.param(
            JSON, '[{"serialNumber": "aa:01"}, {"serial_hex": "9901"}]', [A, WantedSerial(serial=0x9901)], id="names"
        ),
        pytest.param(JSON_LINES, f'{{"CertificateArn": "{ARN}aa01"}}', [A], id="as IssueCertificate answers, a line"),
        pytest.param(JSON, f'{{\n  "CertificateArn": "{ARN}aa01"\n}}\n', [A], id="as IssueCertificate answers"),
        pytest.param(
            CSV, f"serial,arn\n4660 (decimal),{ARN[:-28]}4660\n", [WantedSerial(serial=4660)], id="a decimal ARN"
        ),
        pytest.param(CSV, "serial,reason\naa:01,,,\nbb:02,keyCompromise,\n", [A, B], id="CSV, empty fields at the end"),
        pytest.param(JSON, AUDIT_REPORT, [A, B], id="Private CA's audit report, JSON"),
        pytest.param(CSV, AUDIT_REPORT_CSV, [A, B], id="Private CA's audit report, CSV"),
        pytest.param(JSON, f'[{{"serial": "aa:01", "Certificate ARN": "{ARN}aa01"}}]', [A], id="JSON, serial and ARN"),
        pytest.param(CSV, "serial,arn\naa:01,arn:aws:iam::123456789012:user/one\n", [A], id="CSV, somebody else's ARN"),
        pytest.param(JSON, '[{"serial": "aa:01", "revocationReason": ""}]', [A], id="JSON, an empty reason"),
        pytest.param(CSV, f"name,Certificate ARN,reason\nx,{ARN}bb02,keyCompromise\n", [B], id="CSV, ARNs"),
        pytest.param(LINES, f"{ARN}aa01\n", [A], id="ARNs, one a line"),
        pytest.param(CSV, "\ufeffserial\r\naa:01\r\n", [A], id="CSV, as a spreadsheet writes it"),
        pytest.param(LINES, "# stolen\n\naa:01\nserial=BB02\n", [A, WantedSerial(serial=0xBB02)], id="one a line"),
    ],
)
def test_formats(form: SerialListFormat, text: str, expected: list[WantedSerial]) -> None:
    """Each format is read, with the reasons that it tells."""
    assert read(text, form) == expected


CA = pki.certificate_authority("CA")
ONE, TWO = CA.issue("one"), CA.issue("two")


def print_out(of: pki.Identity, *options: str) -> str:
    """Have openssl print a certificate."""
    command = ["openssl", "x509", "-text", *options]
    return subprocess.run(command, input=of.certificate_pem, check=True, capture_output=True).stdout.decode()


def test_print_outs_of_certificates() -> None:
    """What openssl prints, with the PEM or without it, one after the other, and a serial between them."""
    text = f"aa:01\n{print_out(ONE, '-noout')}\n{print_out(TWO)}"
    assert {each.serial for each in read(text, LINES)} == {0xAA01, ONE.serial, TWO.serial}


def test_a_serial_is_no_header() -> None:
    """The first of a column of them is not swallowed."""
    assert [each.serial for each in read("serial=1234567890\nserial=1234567891\n", CSV)] == [0x1234567890, 0x1234567891]
    assert [each.serial for each in read("Serial Number: 12:34\n", CSV)] == [0x1234]


def test_what_follows_a_print_out() -> None:
    """Its signature ends it: a serial below, indented or not, is another one, and a comment is none."""
    text = f"{print_out(ONE, '-noout')}    0a:1d\n# one more\n0a:1e\n{print_out(TWO)}  0a:1f"
    assert {each.serial for each in read(text, LINES)} == {ONE.serial, TWO.serial, 0x0A1D, 0x0A1E, 0x0A1F}


def test_pem_below_a_print_out_is_its_own() -> None:
    """The certificate below a print-out of another is not passed over, nor two of them."""
    for text in (
        print_out(ONE, "-noout") + TWO.certificate_pem.decode(),
        print_out(ONE) + TWO.certificate_pem.decode(),
    ):
        with pytest.raises(InvalidSerialList, match="1 faults: certificate 1: InvalidSerial: it prints"):
            read(text, LINES)
        with pytest.raises(ValidationError, match=r"it prints .*, and the PEM in it is of"):
            SerialInput.model_validate(text)


@pytest.mark.parametrize("line", ["subject=CN=one", "hello", "-----BEGIN X509 CRL-----"])
def test_nothing_between_print_outs_is_passed_over(line: str) -> None:
    """A line that is neither a serial nor a part of a print-out is a fault."""
    with pytest.raises(InvalidSerialList, match="1 faults: a line beside the print-outs"):
        read(f"{print_out(ONE)}{line}\n{print_out(TWO, '-noout')}", LINES)


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("a.json", JSON),
        ("a.JSONL", JSON_LINES),
        ("b.ndjson", JSON_LINES),
        ("c.csv", CSV),
        ("d.txt", LINES),
        ("e", LINES),
    ],
)
def test_format_by_name(key: str, form: SerialListFormat) -> None:
    """The object's name says the format, unless the input does."""
    assert serial_list.format_of(key, None) is form
    assert serial_list.format_of(key, CSV) is CSV


@pytest.mark.parametrize(
    ("form", "data", "words"),
    [
        pytest.param(JSON, b"aa:01\n", "not JSON", id="lines for JSON"),
        pytest.param(JSON, b'{"a": 1}', "JSON dict", id="another object"),
        pytest.param(JSON, b"3", "JSON int", id="a number"),
        pytest.param(JSON, b"[" * 100_000, "not JSON", id="a deep nest"),
        pytest.param(JSON, b"[" + b"9" * 10_000 + b"]", "not JSON", id="a number of ten thousand digits"),
        pytest.param(LINES, ONE.certificate_pem, "give it as Certificates", id="a certificate"),
        pytest.param(LINES, CA.crl([5]), "not UTF-8 text|faults", id="a CRL"),
        pytest.param(JSON, b"[12]", "entry 1: AmbiguousSerial", id="a serial as a number"),
        pytest.param(JSON, b'[{"Serial": "aa:01", "Why": 1}]', "entry 1", id="an unknown field"),
        pytest.param(JSON, b"[]", "holds no serial", id="an empty array"),
        pytest.param(JSON_LINES, b'"aa:01"\n"bb', "line 2 of x", id="a cut line"),
        pytest.param(CSV, b'["aa:01"]', "line 1", id="JSON for CSV"),
        pytest.param(CSV, b'serial\n"aa:01', "not CSV", id="an open quote"),
        pytest.param(CSV, b"name,serial\na\n", "line 2: 1 fields", id="a short row"),
        pytest.param(CSV, b"serial,reason\naa:01,certificateHold\n", "line 2", id="a reason that is none"),
        pytest.param(CSV, b"serial\n1.23457E+15\n", "line 2: .*not hexadecimal", id="a spreadsheet's rounding"),
        pytest.param(CSV, b"serial\n" + b"a" * 200_000, "line 2 .*4096", id="an endless field"),
        pytest.param(CSV, b"serial," + b"," * 5_000_000, "line 1 .*4096", id="an endless row"),
        pytest.param(CSV, b"0a:1b,0a:1c,0a:1d\n", "line 1: 3 fields, and no header", id="serials side by side"),
        pytest.param(CSV, b"aa:bb:cc:dd:ee:ff,0a:1b\n", "line 1: .*KEY_COMPROMISE", id="something before the serial"),
        pytest.param(CSV, b"1,0a1b2c\n2,0a1b2d\n", "2 faults: line 1: .*KEY_COMPROMISE", id="numbered rows"),
        pytest.param(
            CSV, b"added,badge\ndecade,0a1b\n", "header or a serial", id="an unknown header that reads as hex"
        ),
        pytest.param(CSV, b"dec\n7\n", "header or a serial", id="a short header that reads as hex"),
        pytest.param(CSV, b"owner,serial,host\nDoe, Abe,0c:1d,web2\n", "line 2: 4 fields", id="a comma unquoted"),
        pytest.param(CSV, b"serial,reason\n0a:1b,keyCompromise,0c:1d\n", "line 2: 3 fields", id="a serial too many"),
        pytest.param(
            CSV, f"serial,certificateArn,arn\nbb:02,{ARN}aa01,arn:aws:iam::1:user/x\n".encode(), "of two", id="ARNs"
        ),
        pytest.param(
            CSV, f"serial,arn,cert_arn\naa:01,{ARN}bb02,{ARN}aa01\n".encode(), "of two", id="ARNs of two certificates"
        ),
        pytest.param(CSV, b"serial,arn,arn\naa:01,,\n", "names a column twice: arn, arn", id="a column twice"),
        pytest.param(CSV, b"serial,serial2\n0a:1b,0a:1c\n", "several columns", id="numbered columns"),
        pytest.param(
            LINES, print_out(ONE, "-noout", "-certopt", "no_sigdump").encode(), "cut off", id="half a print-out"
        ),
        pytest.param(CSV, f'serial,arn\nbb:02,"=""{ARN}aa01"""\n'.encode(), "of two", id="an ARN as Excel writes it"),
        pytest.param(LINES, f"0a:1b{' ' * 66_000}0c:1d".encode(), "4096", id="a serial far behind another"),
        pytest.param(JSON, json.dumps([f"0a:1b{' ' * 66_000}0c:1d"]).encode(), "66010 char", id="the same in JSON"),
        pytest.param(CSV, b"Owner,Seriennummer\nx,0a1b\n", "names no column .*Owner, Seriennummer", id="no column"),
        pytest.param(CSV, b"Device Serial,x\n0a1b,y\n", "names no column .*Device Serial", id="a device's serial"),
        pytest.param(JSON, b'[{"serial": "aa:01", "SN": "bb:02"}]', "two fields may be the Serial", id="two names"),
        pytest.param(
            CSV, f"serial,certificateArn\nbb:02,{ARN}aa01\n".encode(), "bb:02 and arn:.*are of two", id="two in a row"
        ),
        pytest.param(
            JSON,
            f'[{{"serial": "bb:02", "certificateArn": "{ARN}aa01"}}]'.encode(),
            "are of two",
            id="two in an object",
        ),
        pytest.param(JSON, b'[{"name": "x"}]', "Serial: Field required; name: Extra", id="no name that is known"),
        pytest.param(
            CSV, b"Serial,Certificate Serial\n0A1B,aa:01\n", "several .*Serial, Certificate Serial", id="two serials"
        ),
        pytest.param(CSV, b"serial,reason,why (reason)\naa:01,,\n", "several columns", id="two reasons"),
        pytest.param(CSV, b"serial (decimal)\n1234567890123450000\n", "rounded", id="rounded, without an exponent"),
        pytest.param(JSON, b'{"Serials": ["aa:01"], "Serials": ["bb:02"]}', "occurs twice", id="a name twice"),
        pytest.param(JSON, b"[" + b"[]," * 200_001 + b"[]]", "more than 100,000", id="a wide nest"),
        pytest.param(LINES, b"", "holds no serial", id="nothing"),
        pytest.param(LINES, b"# none\n", "holds no serial", id="a comment"),
        pytest.param(LINES, b"aa" * 3_000, "4096", id="an endless line"),
        pytest.param(LINES, b"12\n", "line 1: AmbiguousSerial", id="an ambiguous one"),
        pytest.param(LINES, b"\x1f\x8b\x08\x00", "compressed", id="gzip"),
        pytest.param(LINES, "aa:01".encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(LINES, b"PK\x03\x04\x00\x00", "spreadsheet", id="a spreadsheet"),
        pytest.param(LINES, b"aa:01\n\xff\n", "byte 6", id="no UTF-8"),
    ],
)
def test_refused(form: SerialListFormat, data: bytes, words: str) -> None:
    """What is not what it says is refused, with the place."""
    with pytest.raises(InvalidSerialList, match=words) as refusal:
        read(data, form)
    assert len(str(refusal.value)) < 2_000


def test_another_ca_is_named() -> None:
    """A certificate's ARN names its CA: one of another is a fault, and the message shows both."""
    assert serial_list.read(f"{ARN}aa01".encode(), LINES, "x", CA_ARN) == [A]
    with pytest.raises(InvalidSerialList, match="line 1: CertificateIssuerMismatch") as refusal:
        serial_list.read(f"{ARN}aa01".encode(), LINES, "x", CA_ARN.replace("1122-2233", "9999-9999"))
    decimal = f"serial,arn\n4660 (decimal),{ARN[:-28]}4660\n0x1235,{ARN[:-28]}4661\n"
    for form, text in ((CSV, AUDIT_REPORT_CSV), (JSON, AUDIT_REPORT), (CSV, decimal)):
        with pytest.raises(InvalidSerialList, match=r"(2|1) faults: .*CertificateIssuerMismatch"):
            serial_list.read(text.encode(), form, "x", CA_ARN.replace("1122-2233", "9999-9999"))
    assert "1122-2233" in str(refusal.value)
    assert "9999-9999" in str(refusal.value)


def test_three_hundred_faults_at_once() -> None:
    """All are counted, fifty shown."""
    with pytest.raises(InvalidSerialList, match="300 faults") as refusal:
        read("\n".join(["xx"] * 300 + ["aa:01"]), LINES)
    assert "and 250 more" in str(refusal.value)
    assert "line 50: " in str(refusal.value)
    assert "line 51: " not in str(refusal.value)


def test_the_longest_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many serials as are allowed are read, one more is refused."""
    assert limits.MAX_SERIALS == 100_000
    monkeypatch.setattr(limits, "MAX_SERIALS", 1_000)
    text = "\n".join(serial_number.to_hex(number) for number in range(1, 1_002))
    with pytest.raises(InvalidSerialList, match="more than 1,000"):
        read(text, LINES)
    assert len(read(text.rsplit("\n", 1)[0], LINES)) == 1_000


@given(st.lists(st.integers(1, 2**160 - 1), min_size=1, max_size=20), st.sampled_from(SerialListFormat))
def test_what_is_written_is_read(numbers: list[int], form: SerialListFormat) -> None:
    """Writing a list and reading it is the identity in each format."""
    texts = [serial_number.to_hex(number) for number in numbers]
    written = {
        JSON: json.dumps(texts),
        JSON_LINES: "\n".join(map(json.dumps, texts)),
        CSV: "serial\n" + "\n".join(texts),
        LINES: "\n".join(texts),
    }[form]
    assert [each.serial for each in read(written, form)] == numbers


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)), st.sampled_from(SerialListFormat))
def test_any_bytes_are_read_or_refused(data: bytes, form: SerialListFormat) -> None:
    """Nothing but serials and refusals comes out."""
    with suppress(InvalidSerialList):
        assert read(data, form)

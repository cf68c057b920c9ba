"""Each format of a serial list is read, and what is not of its format is refused."""

import json
import subprocess
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions import limits
from functions.errors import InvalidSerialList
from functions.intake import serial_list
from functions.models.request import SerialInput, SerialListFormat, WantedSerial
from functions.pki import serial_number
from tests.functions.intake.serial_lists import (
    ARN,
    AUDIT_REPORT,
    AUDIT_REPORT_CSV,
    CA_ARN,
    CSV,
    JSON,
    JSON_LINES,
    LINES,
    A,
    B,
    read,
)
from tests.support import pki

CA = pki.certificate_authority("CA")
ONE, TWO = CA.issue("one"), CA.issue("two")


@pytest.mark.parametrize(
    ("list_format", "text", "expected"),
    [
        pytest.param(JSON, '["aa:01"]', [A], id="JSON, texts"),
        pytest.param(JSON, '["aa:01", {"Serial": "0xbb02", "RevocationReason": "keyCompromise"}]', [A, B], id="JSON"),
        pytest.param(JSON, '{"Serials": ["aa:01"]}', [A], id="JSON, as an input has it"),
        pytest.param(
            JSON_LINES, '"aa:01"\n\n{"Serial": "bb:02", "RevocationReason": "KEY_COMPROMISE"}', [A, B], id="lines"
        ),
        pytest.param(
            JSON, '[{"serialNumber": "aa:01"}, {"serial_hex": "9901"}]', [A, WantedSerial(serial=0x9901)], id="names"
        ),
        pytest.param(JSON_LINES, f'{{"CertificateArn": "{ARN}aa01"}}', [A], id="as IssueCertificate answers, a line"),
        pytest.param(JSON, f'{{\n  "CertificateArn": "{ARN}aa01"\n}}\n', [A], id="as IssueCertificate answers"),
        pytest.param(JSON, AUDIT_REPORT, [A, B], id="Private CA's audit report, JSON"),
        pytest.param(JSON, f'[{{"serial": "aa:01", "Certificate ARN": "{ARN}aa01"}}]', [A], id="JSON, serial and ARN"),
        pytest.param(JSON, '[{"serial": "aa:01", "revocationReason": ""}]', [A], id="JSON, an empty reason"),
        pytest.param(LINES, f"{ARN}aa01\n", [A], id="ARNs, one a line"),
        pytest.param(LINES, "# stolen\n\naa:01\nserial=BB02\n", [A, WantedSerial(serial=0xBB02)], id="one a line"),
    ],
)
def test_formats(list_format: SerialListFormat, text: str, expected: list[WantedSerial]) -> None:
    """Each format is read, with the reasons in it."""
    assert read(text, list_format) == expected


def print_out(identity: pki.Identity, *options: str) -> str:
    """Return a certificate as openssl prints it."""
    command = ["openssl", "x509", "-text", *options]
    return subprocess.run(command, input=identity.certificate_pem, check=True, capture_output=True).stdout.decode()


def test_print_outs_of_certificates() -> None:
    """Several print-outs by openssl, with or without the PEM, and a serial between them are read."""
    text = f"aa:01\n{print_out(ONE, '-noout')}\n{print_out(TWO)}"
    assert {wanted.serial for wanted in read(text, LINES)} == {0xAA01, ONE.serial, TWO.serial}


def test_lines_after_print_out() -> None:
    """The signature ends a print-out: a serial below it, indented or not, is read, and a comment is skipped."""
    text = f"{print_out(ONE, '-noout')}    0a:1d\n# one more\n0a:1e\n{print_out(TWO)}  0a:1f"
    assert {wanted.serial for wanted in read(text, LINES)} == {ONE.serial, TWO.serial, 0x0A1D, 0x0A1E, 0x0A1F}


def test_pem_below_print_out_of_another_certificate() -> None:
    """A PEM certificate other than the one in the print-out above it is refused."""
    for text in (
        print_out(ONE, "-noout") + TWO.certificate_pem.decode(),
        print_out(ONE) + TWO.certificate_pem.decode(),
    ):
        with pytest.raises(InvalidSerialList, match=r"faults \(1\): certificate 1: InvalidSerial: it prints"):
            read(text, LINES)
        with pytest.raises(ValidationError, match=r"it prints .*, and the PEM in it is of"):
            SerialInput.model_validate(text)


@pytest.mark.parametrize("line", ["subject=CN=one", "hello", "-----BEGIN X509 CRL-----"])
def test_unknown_line_between_print_outs(line: str) -> None:
    """A line that is neither a serial nor part of a print-out is a fault."""
    with pytest.raises(InvalidSerialList, match=r"faults \(1\): a line beside the print-outs"):
        read(f"{print_out(ONE)}{line}\n{print_out(TWO, '-noout')}", LINES)


@pytest.mark.parametrize(
    ("key", "list_format"),
    [
        ("a.json", JSON),
        ("a.JSONL", JSON_LINES),
        ("b.ndjson", JSON_LINES),
        ("c.csv", CSV),
        ("d.txt", LINES),
        ("e", LINES),
    ],
)
def test_format_by_name(key: str, list_format: SerialListFormat) -> None:
    """The object's suffix determines the format, unless the input states one."""
    assert serial_list.format_of(key, None) is list_format
    assert serial_list.format_of(key, CSV) is CSV


@pytest.mark.parametrize(
    ("list_format", "data", "message"),
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
        pytest.param(
            LINES, print_out(ONE, "-noout", "-certopt", "no_sigdump").encode(), "cut off", id="half a print-out"
        ),
        pytest.param(LINES, f"0a:1b{' ' * 66_000}0c:1d".encode(), "4096", id="a serial far behind another"),
        pytest.param(JSON, json.dumps([f"0a:1b{' ' * 66_000}0c:1d"]).encode(), "66010 char", id="the same in JSON"),
        pytest.param(JSON, b'[{"serial": "aa:01", "SN": "bb:02"}]', "two fields may be the Serial", id="two names"),
        pytest.param(
            JSON,
            f'[{{"serial": "bb:02", "certificateArn": "{ARN}aa01"}}]'.encode(),
            "are of two",
            id="two in an object",
        ),
        pytest.param(JSON, b'[{"name": "x"}]', "Serial: Field required; name: Extra", id="no name that is known"),
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
def test_refused(list_format: SerialListFormat, data: bytes, message: str) -> None:
    """Data that is not of its format is refused, with the position."""
    with pytest.raises(InvalidSerialList, match=message) as raised:
        read(data, list_format)
    assert len(str(raised.value)) < 2_000


def test_arn_of_another_ca() -> None:
    """A certificate ARN of another CA is a fault, and the message shows both CAs."""
    assert serial_list.read(f"{ARN}aa01".encode(), LINES, "x", CA_ARN) == [A]
    with pytest.raises(InvalidSerialList, match="line 1: CertificateIssuerMismatch") as raised:
        serial_list.read(f"{ARN}aa01".encode(), LINES, "x", CA_ARN.replace("1122-2233", "9999-9999"))
    decimal = f"serial,arn\n4660 (decimal),{ARN[:-28]}4660\n0x1235,{ARN[:-28]}4661\n"
    for list_format, text in ((CSV, AUDIT_REPORT_CSV), (JSON, AUDIT_REPORT), (CSV, decimal)):
        with pytest.raises(InvalidSerialList, match=r"faults \([12]\): .*CertificateIssuerMismatch"):
            serial_list.read(text.encode(), list_format, "x", CA_ARN.replace("1122-2233", "9999-9999"))
    assert "1122-2233" in str(raised.value)
    assert "9999-9999" in str(raised.value)


def test_many_faults() -> None:
    """All faults are counted, the first fifty shown."""
    with pytest.raises(InvalidSerialList, match=r"faults \(300\)") as raised:
        read("\n".join(["xx"] * 300 + ["aa:01"]), LINES)
    assert "and 250 more" in str(raised.value)
    assert "line 50: " in str(raised.value)
    assert "line 51: " not in str(raised.value)


def test_the_longest_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of the maximum length is read, one more serial is refused."""
    assert limits.MAX_SERIALS == 100_000
    monkeypatch.setattr(limits, "MAX_SERIALS", 1_000)
    text = "\n".join(serial_number.to_hex(number) for number in range(1, 1_002))
    with pytest.raises(InvalidSerialList, match="more than 1,000"):
        read(text, LINES)
    assert len(read(text.rsplit("\n", 1)[0], LINES)) == 1_000


@given(st.lists(st.integers(1, 2**160 - 1), min_size=1, max_size=20), st.sampled_from(SerialListFormat))
def test_round_trip(numbers: list[int], list_format: SerialListFormat) -> None:
    """In each format, reading a written list returns its serials."""
    texts = [serial_number.to_hex(number) for number in numbers]
    written = {
        JSON: json.dumps(texts),
        JSON_LINES: "\n".join(map(json.dumps, texts)),
        CSV: "serial\n" + "\n".join(texts),
        LINES: "\n".join(texts),
    }[list_format]
    assert [wanted.serial for wanted in read(written, list_format)] == numbers


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)), st.sampled_from(SerialListFormat))
def test_any_bytes_are_read_or_refused(data: bytes, list_format: SerialListFormat) -> None:
    """Any bytes are either read as serials or refused."""
    with suppress(InvalidSerialList):
        assert read(data, list_format)


@pytest.mark.parametrize(
    "line", ["        aa:bb:cc:\n", "    Signature Value:\n", "    Signature Value:\n        aa\n"]
)
def test_print_outs_take_little_memory(line: str) -> None:
    """Lines that look like a signature, as many as a list may have, took more memory than a function has."""
    text = "Certificate:\n    Signature Value:\n" + line * (2_000_000 // len(line))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidSerialList):
            serial_list.read(text.encode(), SerialListFormat.LINES, "x")
        assert tracemalloc.get_traced_memory()[1] < 10 * len(text)
    finally:
        tracemalloc.stop()

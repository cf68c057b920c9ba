"""The columns of a CSV list are found by their names, and an ambiguous list is refused."""

import pytest

from functions.errors import InvalidSerialList
from functions.models.request import WantedSerial
from tests.functions.intake.serial_lists import ARN, AUDIT_REPORT_CSV, CSV, A, B, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("serial,reason\naa:01,\nbb:02,keyCompromise\n", [A, B], id="CSV"),
        pytest.param("Name;Serial Number;Reason\nx;aa:01;\ny;bb:02;Key compromise\n", [A, B], id="semicolons"),
        pytest.param("serial\treason\naa:01\t\nbb:02\tkeyCompromise", [A, B], id="tabs"),
        pytest.param('"name","serial"\n"a, b","aa:01"\n', [A], id="quoted"),
        pytest.param("aa:01\n", [A], id="no header"),
        pytest.param("serial (decimal)\n43521\n", [A], id="decimal column"),
        pytest.param("leaf_client_cert_serial_number,n\n9901,3\n", [WantedSerial(serial=0x9901)], id="from the log"),
        pytest.param("sep=;\r\n\r\nSerial;Reason\r\naa:01;\r\n", [A], id="as Excel writes it"),
        pytest.param("aa:01\nbb:02,keyCompromise\n", [A, B], id="no header, a reason"),
        pytest.param("serial,CRL reason\nbb:02,keyCompromise\n", [B], id="another name for a reason"),
        *(
            pytest.param(f"{name},x\naa:01,y\n", [A], id=name)
            for name in ("Cert Serial", "cert_serial", "Certificate Serial No.", "Client Certificate Serial", "SN")
        ),
        pytest.param('serial\n"=""aa:01"""\n\'aa:01\n', [A, A], id="kept as text by Excel"),
        pytest.param(f"serial,arn\n4660 (decimal),{ARN[:-28]}4660\n", [WantedSerial(serial=4660)], id="a decimal ARN"),
        pytest.param("serial,reason\naa:01,,,\nbb:02,keyCompromise,\n", [A, B], id="empty fields at the end"),
        pytest.param("serial,reason\n,\naa:01,\n\n , \nbb:02,keyCompromise\n", [A, B], id="empty rows"),
        pytest.param(AUDIT_REPORT_CSV, [A, B], id="Private CA's audit report, CSV"),
        pytest.param("serial,arn\naa:01,arn:aws:iam::123456789012:user/one\n", [A], id="somebody else's ARN"),
        pytest.param(f"name,Certificate ARN,reason\nx,{ARN}bb02,keyCompromise\n", [B], id="ARNs"),
        pytest.param("\ufeffserial\r\naa:01\r\n", [A], id="as a spreadsheet writes it"),
    ],
)
def test_columns(text: str, expected: list[WantedSerial]) -> None:
    """Serials and reasons are read from the columns that a header names, or from the first two."""
    assert read(text, CSV) == expected


def test_serial_is_not_a_header() -> None:
    """A first row that holds a serial is not taken for a header."""
    read_serials = [wanted.serial for wanted in read("serial=1234567890\nserial=1234567891\n", CSV)]
    assert read_serials == [0x1234567890, 0x1234567891]
    assert [wanted.serial for wanted in read("Serial Number: 12:34\n", CSV)] == [0x1234]
    with pytest.raises(InvalidSerialList, match="line 1: AmbiguousSerial"):
        read("1234\n5678\n", CSV)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b'["aa:01"]', "line 1", id="JSON for CSV"),
        pytest.param(b'serial\n"aa:01', "not CSV", id="an open quote"),
        pytest.param(b"name,serial\na\n", "line 2: 1 fields", id="a short row"),
        pytest.param(b"serial,reason\naa:01,certificateHold\n", "line 2", id="a reason that is none"),
        pytest.param(b"serial\n1.23457E+15\n", "line 2: .*not hexadecimal", id="a spreadsheet's rounding"),
        pytest.param(b"serial\n" + b"a" * 200_000, "line 2 .*4096", id="an endless field"),
        pytest.param(b"serial," + b"," * 5_000_000, "line 1 .*4096", id="an endless row"),
        pytest.param(b"0a:1b,0a:1c,0a:1d\n", "line 1: 3 fields, and no header", id="serials side by side"),
        pytest.param(b"aa:bb:cc:dd:ee:ff,0a:1b\n", "line 1: .*KEY_COMPROMISE", id="something before the serial"),
        pytest.param(b"1,0a1b2c\n2,0a1b2d\n", r"faults \(2\): line 1: .*KEY_COMPROMISE", id="numbered rows"),
        pytest.param(b"added,badge\ndecade,0a1b\n", "header or a serial", id="an unknown header that reads as hex"),
        pytest.param(b"dec\n7\n", "header or a serial", id="a short header that reads as hex"),
        pytest.param(b"owner,serial,host\nDoe, Abe,0c:1d,web2\n", "line 2: 4 fields", id="a comma unquoted"),
        pytest.param(b"serial,reason\n0a:1b,keyCompromise,0c:1d\n", "line 2: 3 fields", id="a serial too many"),
        pytest.param(
            f"serial,certificateArn,arn\nbb:02,{ARN}aa01,arn:aws:iam::1:user/x\n".encode(), "of two", id="ARNs"
        ),
        pytest.param(
            f"serial,arn,cert_arn\naa:01,{ARN}bb02,{ARN}aa01\n".encode(), "of two", id="ARNs of two certificates"
        ),
        pytest.param(b"serial,arn,arn\naa:01,,\n", "names a column twice: arn, arn", id="a column twice"),
        pytest.param(b"serial,serial2\n0a:1b,0a:1c\n", "several columns", id="numbered columns"),
        pytest.param(f'serial,arn\nbb:02,"=""{ARN}aa01"""\n'.encode(), "of two", id="an ARN as Excel writes it"),
        pytest.param(b"Owner,Seriennummer\nx,0a1b\n", "names no column .*Owner, Seriennummer", id="no column"),
        pytest.param(b"Device Serial,x\n0a1b,y\n", "names no column .*Device Serial", id="a device's serial"),
        pytest.param(
            f"serial,certificateArn\nbb:02,{ARN}aa01\n".encode(), "bb:02 and arn:.*are of two", id="two in a row"
        ),
        pytest.param(
            b"Serial,Certificate Serial\n0A1B,aa:01\n", "several .*Serial, 'Certificate Serial'", id="two serials"
        ),
        pytest.param(b"serial,reason,Revocation Reason\naa:01,,\n", "several columns", id="two reasons"),
        pytest.param(b"serial (decimal)\n1234567890123450000\n", "rounded", id="rounded, without an exponent"),
    ],
)
def test_refused(data: bytes, message: str) -> None:
    """A list that is not CSV, or whose columns are ambiguous, is refused with the line."""
    with pytest.raises(InvalidSerialList, match=message) as raised:
        read(data, CSV)
    assert len(str(raised.value)) < 2_000

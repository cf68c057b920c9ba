"""Notations of serial numbers, each with the number read or the error raised; statemachine/README.md shows them."""

import re

from functions.errors import AmbiguousSerial, InvalidSerial
from functions.pki import serial_number

_LOG = (
    "2026-11-23T03:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "
    '"CN=mallory" NotBefore=2026-09-21T22:43:21Z;NotAfter=2027-06-17T22:43:21Z {} Success TID_3180a73013c8ca4b'
)
_ARN = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/0a1b/certificate/"
_ACM_ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/"
_HOSTILE_LOG = _LOG.replace("CN=mallory", "CN=x NotBefore=a;NotAfter=b 7777")
_TEXT = """Certificate:
    Data:
        Version: 3 (0x2)
        Serial Number:{}
        Signature Algorithm: ecdsa-with-SHA256
        X509v3 Authority Key Identifier:
            serial:0A:0B:0C
"""
_LONG = "\n            40:40:41:5b:0b:80:ea:57:c6:bc:17:5d:a1:57:34:60:a2:35:93:05"

# Description, text, and the number or the error with a part of its message.
NOTATIONS: list[tuple[str, str, int | tuple[type[Exception], str]]] = [
    # Hexadecimal, recognised by a colon, 0x or a letter.
    ("colons", "0a:1b:2c", 0x0A1B2C),
    ("colons, upper case", "0A:1B:2C", 0x0A1B2C),
    ("colons, digits only", "10:20", 0x1020),
    ("colons, leading zeros", "00:00:0a:1b", 0x0A1B),
    ("colons, 20 octets, top bit set", "ff:" * 19 + "ff", 2**160 - 1),
    ("colons, DER's 21st octet of zero", "00:" + "ff:" * 19 + "ff", 2**160 - 1),
    ("0x", "0x1234", 0x1234),
    ("0X and upper case", "0X0A1B", 0x0A1B),
    ("0x, leading zero lost", "0xa1b", 0x0A1B),
    ("0x, leading zeros", "0x00000a1b", 0x0A1B),
    ("plain, a letter in it", "0a1b2c", 0x0A1B2C),
    ("plain, upper case", "0A1B2C", 0x0A1B2C),
    ("plain, leading zero lost", "a1b2c", 0x0A1B2C),
    ("plain, as load balancers log it", "FEF257372D5C14D4", 0xFEF257372D5C14D4),
    ("plain, one digit", "7", 7),
    ("plain, one digit and zeros", "007", 7),
    ("spaces", "0a 1b 2c", 0x0A1B2C),
    ("hyphens", "0A-1B-2C", 0x0A1B2C),
    ("white space around it", "  0a:1b\r\n", 0x0A1B),
    ("quotes around it", '"0a:1b"', 0x0A1B),
    ("an invisible mark, copied from a viewer", "\u200e0a1b2c", 0x0A1B2C),
    # Copied from a place that is known to write hexadecimal.
    ("openssl x509 -serial", "serial=1234", 0x1234),
    ("openssl x509 -serial, long", "serial=4040415B0B80EA57C6BC175DA157346A", 0x4040415B0B80EA57C6BC175DA157346A),
    ("the same, spaces", "Serial = 0A1B", 0x0A1B),
    ("load balancer's header", "X-Amzn-Mtls-Clientcert-Serial-Number: 03915", 0x3915),
    ("load balancer's log field", "leaf_client_cert_serial_number=031501", 0x031501),
    ("load balancer's log line", _LOG.format("031501"), 0x031501),
    ("log line, subject that imitates it", _HOSTILE_LOG.format("031501"), 0x031501),
    ("GnuTLS certtool", "Serial Number (hex): 0123", 0x0123),
    ("certificate's ARN at Private CA", f"{_ARN}00003915000000000000000000000a1b", 0x3915000000000000000000000A1B),
    ("the same, digits only", f"{_ARN}00000000000000000000000000001234", 0x1234),
    ("label before", "hex:1234", 0x1234),
    ("label after", "1234 (hex)", 0x1234),
    # Decimal, if labelled so.
    ("decimal, label before", "decimal:4660", 0x1234),
    ("decimal, short label", "dec: 4660", 0x1234),
    ("decimal, label after", "4660 (decimal)", 0x1234),
    ("decimal, leading zeros", "decimal:0004660", 0x1234),
    ("decimal, largest", f"decimal:{2**160 - 1}", 2**160 - 1),
    ("decimal and hexadecimal", "4660 (0x1234)", 0x1234),
    ("openssl x509 -text, short", "Serial Number: 4660 (0x1234)", 0x1234),
    ("openssl x509 -text, long", f"Serial Number:{_LONG}", 0x4040415B0B80EA57C6BC175DA1573460A2359305),
    ("openssl x509 -text, whole, short", _TEXT.format(" 4660 (0x1234)"), 0x1234),
    ("openssl x509 -text, whole, long", _TEXT.format(_LONG), 0x4040415B0B80EA57C6BC175DA1573460A2359305),
    ("a viewer's line", "Serial Number: 0A:1B", 0x0A1B),
    ("keytool", "Serial number: 4a5b6c", 0x4A5B6C),
    # Ambiguous: both readings are shown.
    ("digits only", "1234", (AmbiguousSerial, "two ways")),
    ("digits only, leading zero", "01234", (AmbiguousSerial, "two ways")),
    ("digits only, 40 of them", "12" * 20, (AmbiguousSerial, "two ways")),
    (
        "certificate's ARN, perhaps decimal",
        f"{_ARN}286535153982981100925020015808220737245",
        (AmbiguousSerial, "two ways"),
    ),
    ("digits only, spaces", "10 20 30", (AmbiguousSerial, "two ways")),
    ("digits only, hyphens", "10-20-30", (AmbiguousSerial, "two ways")),
    ("openssl crl -text, digits only", "Serial Number: 1234", (AmbiguousSerial, "two ways")),
    # Out of range.
    ("zero", "0", (InvalidSerial, "zero")),
    ("zero in hexadecimal", "0x00", (InvalidSerial, "zero")),
    ("zero in colons", "00:00", (InvalidSerial, "zero")),
    ("zero in decimal", "decimal:0", (InvalidSerial, "zero")),
    ("negative", "-5", (InvalidSerial, "negative")),
    ("negative, 0x", "-0x5", (InvalidSerial, "negative")),
    ("negative, openssl x509 -serial", "serial=-05", (InvalidSerial, "negative")),
    ("negative, openssl x509 -text", "Serial Number: -5 (-0x5)", (InvalidSerial, "negative")),
    ("21 octets", "0x01" + "00" * 20, (InvalidSerial, "21 octets")),
    ("21 octets, colons", "01" + ":00" * 20, (InvalidSerial, "21 octets")),
    ("21 octets, decimal", f"decimal:{2**160}", (InvalidSerial, "21 octets")),
    ("21 octets in both readings", "9" * 50, (InvalidSerial, "21 octets")),
    # No serial number, or only a part of one.
    ("nothing", "", (InvalidSerial, "empty")),
    ("white space", " \n", (InvalidSerial, "empty")),
    ("name without a value", "serial=", (InvalidSerial, "not hexadecimal")),
    ("prefix only", "0x", (InvalidSerial, "not hexadecimal")),
    ("a word", "hello", (InvalidSerial, "not hexadecimal")),
    ("two serial numbers", "0a1b, 0a1c", (InvalidSerial, "not hexadecimal")),
    ("two certificates printed", _TEXT.format(" 1 (0x1)") * 2, (InvalidSerial, "2 serial numbers")),
    ("a serial number above a certificate's", "0a:1b\nSerial Number: 12:34", (InvalidSerial, "2 serial numbers")),
    ("a serial number below another", "Serial Number: 0a:1b\n  0x0c1d", (InvalidSerial, "2 serial numbers")),
    ("two after one label", "Serial Number:\n 0a1b\n 0c1d", (InvalidSerial, "2 serial numbers")),
    ("one in another notation below", "Serial Number: 0a:1b\nserial=0C1D", (InvalidSerial, "2 serial numbers")),
    ("log line without a certificate", _LOG.format("-"), (InvalidSerial, "no client certificate")),
    ("two numbers that do not agree", "4660 (0x1235)", (InvalidSerial, "two numbers")),
    ("letters in a decimal", "decimal:12ab", (InvalidSerial, "other characters than digits")),
    ("a spreadsheet's rounding", "1.23457E+15", (InvalidSerial, "not hexadecimal")),
    ("group of one digit: cut off?", "a:1b", (InvalidSerial, "between colons")),
    ("colon at the end: cut off?", "0a:1b:", (InvalidSerial, "between colons")),
    ("empty group", "0a::1b", (InvalidSerial, "between colons")),
    ("groups of four", "0a1b:2c3d", (InvalidSerial, "between colons")),
    ("colons and 0x", "0x0a:1b", (InvalidSerial, "between colons")),
    ("underscores", "1_0f", (InvalidSerial, "not hexadecimal")),
    ("digits of another script", "\uff11\uff12\uff41", (InvalidSerial, "not hexadecimal")),
    (
        "certificate's ARN, cut short",
        "arn:aws:acm-pca:eu-central-1:1:certificate/0a1b",
        (InvalidSerial, "between colons"),
    ),
    ("certificate's ARN, its end cut off", f"{_ARN}feedface00112233445566", (InvalidSerial, "cut off")),
    ("certificate's ARN at ACM", f"{_ACM_ARN}0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f", (InvalidSerial, "between colons")),
]
_MAX_SHOWN = 90  # characters


def table() -> str:
    """Return the notations as a table."""
    rows = ["| notation | written | read as, or refused |", "| --- | --- | --- |"]
    for description, text, expected in NOTATIONS:
        reading = (
            f"`{serial_number.to_hex(expected)}`"
            if isinstance(expected, int)
            else f"{expected[0].__name__}: {expected[1]}"
        )
        rows.append(f"| {description} | {_code(text)} | {reading} |")
    return "\n".join(rows)


def _code(text: str) -> str:
    """Return a text as one line of code, without its middle if it is long."""
    shown = re.sub(r"\s{2,}", lambda run: "\n " if "\n" in run[0] else "  ", text)
    shown = shown.encode("unicode_escape").decode()
    shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:50]} … {shown[-36:]}"
    return f"`{shown}`".replace("|", "\\|") if shown else "(empty)"

"""No private key is ever shown: whatever field or file it was put into, it is refused before a word of it is echoed."""

import base64
import json
import re
import subprocess
import time
import urllib.parse
from collections.abc import Callable

import pytest

from functions.errors import PrivateKeyGiven, RequestRefused
from functions.intake import serial_list
from functions.models.request import SerialInput, SerialListFormat
from functions.pki import certificates, private_keys
from functions.pki.certificate_list import integer_octets
from tests.support import pki
from tests.support.der_crl import INTEGER, SEQUENCE, wrap

CERTIFICATE = pki.certificate_authority("CA").issue("one").certificate_pem


def openssl(command: str, given: bytes = b"") -> bytes:
    """Run openssl, which makes a key or another form of one."""
    return subprocess.run(["openssl", *command.split()], input=given, check=True, capture_output=True).stdout


EC = openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256")
FORMS = {
    "PKCS #8": EC,
    "PKCS #1": openssl("rsa -traditional", openssl("genrsa 2048")),
    "SEC 1": openssl("ec", EC),
    "encrypted": openssl("pkcs8 -topk8 -passout pass:word", EC),
    "DER": openssl("pkcs8 -topk8 -nocrypt -outform DER", EC),
    "encrypted DER": openssl("pkcs8 -topk8 -passout pass:word -outform DER", EC),
    "OpenSSH": b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9u\n",
    "PuTTY": b"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAAIKgfNbn0ZmqbvW9x0qBc\n",
}
_JWK = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}
_JWK |= {"d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}
FORMS |= {
    "JWK": json.dumps(_JWK).encode(),
    "JWK beside a certificate": CERTIFICATE + json.dumps(_JWK, indent=2).encode(),
    "JWK in a cell of a CSV": b'serial,"' + json.dumps(_JWK).replace('"', '""').encode() + b'"\n0a:1b,\n',
    "JWK in a string of JSON": json.dumps({"Key": json.dumps(_JWK)}).encode(),
    "symmetric JWK": b'{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i"}',
    "base64 of DER": base64.encodebytes(FORMS["DER"]),
    "lower case": EC.replace(b"BEGIN PRIVATE KEY", b"begin private key"),
    "openssl's print-out": openssl("pkey -text -noout", EC),
    "openssl's print-out, RSA": openssl("pkey -text -noout", openssl("genrsa 2048")),
    "armour lost, a line beside": b"0a:1b\n" + b"\n".join(EC.splitlines()[1:-1]) + b"\n# my key\n",
    "a cell of a table": b"serial,key\n0a:1b," + base64.b64encode(FORMS["DER"]) + b"\n",
    "armour lost, in JSON": json.dumps({"Key": base64.encodebytes(FORMS["DER"]).decode()}).encode(),
    "armour lost, a word before": b"key: " + base64.b64encode(FORMS["encrypted DER"]),
    "base64 of PEM": base64.b64encode(EC),
    "base64 of PEM, encrypted": b"tls.key: " + base64.b64encode(FORMS["encrypted"]),
    "hyphens lost": EC.replace(b"-----", b""),
    "URL-encoded": urllib.parse.quote(EC, safe="+=/").encode(),
    "as JSON writes it": json.dumps(EC.decode()).encode(),
    "after a certificate": CERTIFICATE + EC,
    "before a certificate": EC + CERTIFICATE,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_known(form: str) -> None:
    """A key is recognised by its PEM lines or by its DER."""
    with pytest.raises(PrivateKeyGiven, match="treat this key as known to others"):
        private_keys.refuse(FORMS[form], "it")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0a:1b",
        CERTIFICATE,
        openssl("x509 -text", CERTIFICATE),
        openssl("x509 -outform DER", CERTIFICATE),
        b"X509v3 Private Key Usage Period:",
        b"\x30",
        b"0a1b2c\n0a1b2d\n",
        b'{"kty": "EC", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "d": "short"}',
        b'{"d": "0a1b0a1b0a1b0a1b0a1b0a1b0a1b"}',
        openssl("crl -outform DER", pki.certificate_authority("CA").crl([5])),
        openssl("crl2pkcs7 -nocrl -certfile /dev/stdin -outform DER", CERTIFICATE),
    ],
)
def test_text_that_only_mentions_a_key_is_not_refused(data: bytes) -> None:
    """A certificate's print-out may name a private key and hold none."""
    private_keys.refuse(data, "it")


def test_search_takes_linear_time() -> None:
    """4 MB of PEM-like text, and a key of huge integers, take seconds of the processor."""
    number = 2**30_000 + 1
    integers = [wrap(INTEGER, integer_octets(each)) for each in (0, number**2, 3, 5, number, number, 7, 11, 13)]
    began = time.process_time()
    for text in (b"BEGIN ", b"\n", b" ", b"A", b"0123456789abcdef" * 4 + b"\n"):
        private_keys.refuse(text * (4_000_000 // len(text)), "it")
    with pytest.raises(PrivateKeyGiven):
        private_keys.refuse(wrap(SEQUENCE, *integers), "it")
    assert time.process_time() - began < 20  # two seconds, and without end for what grows with the square


def _json(data: bytes) -> bytes:
    return json.dumps([data.decode()]).encode()


def _csv(data: bytes) -> bytes:
    return b'serial\n"' + data + b'"\n'


WAYS: dict[str, Callable[[bytes], object]] = {
    "serial": lambda data: SerialInput.model_validate(data.decode()),
    "certificate": lambda data: certificates.read(data, "it"),
    "one a line": lambda data: serial_list.read(data, SerialListFormat.LINES, "it"),
    "JSON": lambda data: serial_list.read(_json(data), SerialListFormat.JSON, "it"),
    "JSON Lines": lambda data: serial_list.read(_json(data), SerialListFormat.JSON_LINES, "it"),
    "CSV": lambda data: serial_list.read(_csv(data), SerialListFormat.CSV, "it"),
    "not what it says": lambda data: serial_list.read(data, SerialListFormat.JSON, "it"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", FORMS)
def test_message_does_not_quote_the_key(form: str, way: str) -> None:
    """In whichever field it is, no ten characters of the key are in the message."""
    data = FORMS[form] if form not in ("DER", "encrypted DER") else base64.encodebytes(FORMS[form])
    with pytest.raises((RequestRefused, ValueError)) as error:
        WAYS[way](data)
    message = str(error.value)
    lines = [line.strip() for line in re.split(r"\n|\\n|%0A", data.decode())]
    body = [line for line in lines if len(line) > 20 and line not in CERTIFICATE.decode()]
    secret = [part for line in body for part in line.split(" ") if len(part) > 20]
    assert secret
    for line in secret:
        assert not any(line[at : at + 10] in message for at in range(len(line) - 10)), message
    assert "PrivateKeyGiven" in f"{type(error.value).__name__} {message}" or "JSON" in message

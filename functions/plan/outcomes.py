"""What Private CA would say to each revocation, and whose certificates these are, as far as it can be known before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from cryptography import x509

from functions.aws import acm_pca as aws_acm_pca
from functions.aws import client as aws
from functions.errors import AwsCallRefused, AwsUnavailable
from functions.models.plan import PlannedSerial
from functions.models.states import RevocationOutcome
from functions.models.stored import Manifest
from functions.pki.certificates import is_ca_certificate
from functions.revocation.error_codes import explain

# GetCertificate is allowed 75 times a second and account; those that were throttled are asked for once more, by one
# reader. A minute or so for these; what follows them is counted, and unknown until tried.
LOOKED_UP = 2_000
_READERS = 4
_NO_ANSWER = "Private CA gave no answer"
_SHOWN = 200
_NOT_ISSUED = "ResourceNotFoundException"
_A_CAS = "it is a CA's: every client that this CA issued to would be refused"


def look_up(manifest: Manifest, revoked: frozenset[int], now: datetime) -> list[PlannedSerial]:
    """Ask Private CA for the certificates; `revoked` are those that a CRL of this CA names, attached or not."""
    arn = manifest.request.certificate_authority_arn or ""
    with ThreadPoolExecutor(_READERS) as pool:
        shown = list(pool.map(lambda serial: _shown(arn, serial), manifest.request.serials[:LOOKED_UP]))
    again = (_shown(arn, each.serial) if each.why == _NO_ANSWER else each for each in shown)
    return [
        _expected(each, is_revoked=each.serial in revoked, now=now).model_copy(
            update={"revocation_reason": manifest.request.reason_of(each.serial)}
        )
        for each in again
    ]


def is_wanted_in_crl(each: PlannedSerial, now: datetime) -> bool:
    """Say whether an execution would wait for a CRL that holds it: not if it fails, or has expired."""
    return each.expected is not RevocationOutcome.FAILED and not _has_expired(each, now)


def _shown(arn: str, serial: int) -> PlannedSerial:
    try:
        pem = aws_acm_pca.get_certificate(arn, serial)
    except AwsCallRefused as refusal:
        return PlannedSerial(serial=serial, why=aws.error_code(refusal))
    except AwsUnavailable:
        return PlannedSerial(serial=serial, why=_NO_ANSWER)
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        return PlannedSerial(
            serial=serial,
            subject=certificate.subject.rfc4514_string()[:_SHOWN],
            issuer=certificate.issuer.rfc4514_string()[:_SHOWN],
            not_after=certificate.not_valid_after_utc,
            why=_A_CAS if is_ca_certificate(certificate) else None,
        )
    except (ValueError, TypeError):
        return PlannedSerial(serial=serial, why="its certificate cannot be read")


def _expected(each: PlannedSerial, *, is_revoked: bool, now: datetime) -> PlannedSerial:
    """Decide as RevokeCertificate would; what a CRL names is revoked, whoever may see the certificate."""
    expected, why = None, each.why if each.why in (None, _A_CAS) else f"GetCertificate: {each.why}"
    if is_revoked:
        expected = RevocationOutcome.EXPIRED if _has_expired(each, now) else RevocationOutcome.ALREADY_REVOKED
    elif each.why == _NOT_ISSUED:
        expected = RevocationOutcome.FAILED
        why = f"{_NOT_ISSUED}: {explain(_NOT_ISSUED)}"
    elif _has_expired(each, now):
        why = "it has expired: EXPIRED if it was revoked before that, FAILED otherwise"
    elif each.not_after is not None:
        expected = RevocationOutcome.REVOKED
    return each.model_copy(update={"expected": expected, "why": why})


def _has_expired(each: PlannedSerial, now: datetime) -> bool:
    return each.not_after is not None and each.not_after < now

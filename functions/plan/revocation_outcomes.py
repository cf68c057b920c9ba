"""Predicts RevokeCertificate's result for each serial and looks up its certificate."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from functions.aws import acm_pca
from functions.aws.client import error_code
from functions.errors import AwsCallRefused, AwsUnavailable, InvalidCertificate, RequestRefused
from functions.models.plan import PlannedSerial
from functions.models.states import RevocationOutcome
from functions.models.stored import Manifest
from functions.pki import names
from functions.pki.certificate_extensions import is_ca_certificate
from functions.pki.chain import load
from functions.revocation.error_codes import explain

# GetCertificate: 75 calls a second per account; a lookup that is throttled is repeated once, by a single thread. This
# many take about a minute. Further serials are only counted; their outcome is unknown until tried.
MAX_LOOKUPS = 2_000
_THREADS = 4
_NO_ANSWER = "Private CA gave no answer"
_NOT_ISSUED = "ResourceNotFoundException"
_IS_CA_CERTIFICATE = "it is a CA's: every client that this CA issued to would be refused"


def predict_outcomes(manifest: Manifest, revoked: frozenset[int], now: datetime) -> list[PlannedSerial]:
    """Return the first serials with certificate and expected outcome.

    `revoked` are the serials in the CRLs of this CA, attached or not.

    """
    arn = manifest.request.certificate_authority_arn or ""
    with ThreadPoolExecutor(_THREADS) as pool:
        first_tries = list(pool.map(lambda serial: _look_up(arn, serial), manifest.request.serials[:MAX_LOOKUPS]))
    serials = (_look_up(arn, serial.serial) if serial.explanation == _NO_ANSWER else serial for serial in first_tries)
    return [
        _with_outcome(serial, is_revoked=serial.serial in revoked, now=now).model_copy(
            update={"revocation_reason": manifest.request.reason_of(serial.serial)}
        )
        for serial in serials
    ]


def is_wanted_in_crl(serial: PlannedSerial, now: datetime) -> bool:
    """Return whether an execution would wait for a CRL with this serial: not if it fails or has expired."""
    return serial.expected is not RevocationOutcome.FAILED and not _has_expired(serial, now)


def _look_up(arn: str, serial: int) -> PlannedSerial:
    try:
        pem = acm_pca.get_certificate(arn, serial)
    except AwsCallRefused as error:
        return PlannedSerial(serial=serial, explanation=error_code(error))
    except AwsUnavailable:
        return PlannedSerial(serial=serial, explanation=_NO_ANSWER)
    try:
        certificate = load(pem.encode(), "the certificate cannot be read", InvalidCertificate)
        return PlannedSerial(
            serial=serial,
            subject=names.text(names.subject(certificate)),
            issuer=names.text(names.issuer(certificate)),
            not_after=certificate.not_valid_after_utc,
            explanation=_IS_CA_CERTIFICATE if is_ca_certificate(certificate) else None,
        )
    except RequestRefused:
        return PlannedSerial(serial=serial, explanation="its certificate cannot be read")


def _with_outcome(serial: PlannedSerial, *, is_revoked: bool, now: datetime) -> PlannedSerial:
    """Decide as RevokeCertificate would; a serial in a CRL is revoked, even if its certificate cannot be read."""
    expected, explanation = None, serial.explanation
    if explanation not in (None, _IS_CA_CERTIFICATE):
        explanation = f"GetCertificate: {explanation}"
    if is_revoked:
        expected = RevocationOutcome.EXPIRED if _has_expired(serial, now) else RevocationOutcome.ALREADY_REVOKED
    elif serial.explanation == _NOT_ISSUED:
        expected = RevocationOutcome.FAILED
        explanation = f"{_NOT_ISSUED}: {explain(_NOT_ISSUED)}"
    elif _has_expired(serial, now):
        explanation = "it has expired: EXPIRED if it was revoked before that, FAILED otherwise"
    elif serial.not_after is not None:
        expected = RevocationOutcome.REVOKED
    return serial.model_copy(update={"expected": expected, "explanation": explanation})


def _has_expired(serial: PlannedSerial, now: datetime) -> bool:
    return serial.not_after is not None and serial.not_after < now

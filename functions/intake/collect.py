"""Collects the serials that an input asks to revoke, from its serials, certificates and list, with every fault."""

from dataclasses import dataclass, field
from datetime import datetime

from functions import limits
from functions.aws import s3
from functions.errors import (
    AwsCallRefused,
    CrlTooLarge,
    InputObjectNotFound,
    InputObjectTooLarge,
    InvalidInput,
    InvalidSerialList,
    RequestRefused,
)
from functions.intake import serial_list
from functions.intake.certificate_authority import CertificateAuthority
from functions.intake.faults import collect_refusals
from functions.models.base import ObjectLocation
from functions.models.request import RevocationReason, RevocationRequest, SerialList, WantedSerial
from functions.pki import certificates, serial_number


@dataclass(slots=True)
class SerialCollector:
    """The serials collected so far: each once, in the order of the input, with the reason given for it alone.

    Without the CA (it could not be read), certificates are read but not compared with it.

    """

    ca: CertificateAuthority | None
    now: datetime
    get_object: s3.GetObject
    reasons: dict[int, RevocationReason | None] = field(default_factory=dict)
    faults: list[RequestRefused] = field(default_factory=list)

    def collect(self, request: RevocationRequest) -> None:
        """Collect all serials of a request, and every fault."""
        for serial in request.serials:
            self._add(serial.wanted)
        for index, certificate in enumerate(request.certificates):
            with collect_refusals(self.faults):
                self._add_certificates(certificate, f"Certificates[{index}]")
        if request.serial_list:
            with collect_refusals(self.faults):
                self._add_list(request.serial_list, request.certificate_authority_arn)
        if len(self.reasons) > limits.MAX_SERIALS:
            message = (
                f"{len(self.reasons):,} serials are requested, and at most {limits.MAX_SERIALS:,} allowed: split them"
            )
            self.faults.append(InvalidSerialList(message))

    def _add_certificates(self, pem_or_location: ObjectLocation | str, label: str) -> None:
        if isinstance(pem_or_location, str):
            read = certificates.read(pem_or_location.encode(errors="replace"), label)
        else:
            file = fetch(pem_or_location, limits.MAX_CERTIFICATE_FILE_BYTES, self.get_object)
            read = certificates.read(file.body, str(pem_or_location))
        if self.ca is None:
            return
        issuer = self.ca.certificate
        for certificate in certificates.client_certificates(read, issuer, self.ca.chain, label):
            with collect_refusals(self.faults):
                certificates.check(certificate, issuer, self.now)
                self._add(WantedSerial(serial=certificate.serial_number))

    def _add_list(self, location: SerialList, certificate_authority_arn: str | None) -> None:
        body = fetch(location, limits.MAX_SERIAL_LIST_BYTES, self.get_object).body
        list_format = serial_list.format_of(location.key, location.format)
        for wanted in serial_list.read(body, list_format, str(location), certificate_authority_arn):
            self._add(wanted)

    def _add(self, wanted: WantedSerial) -> None:
        known = self.reasons.get(wanted.serial)
        if known and wanted.revocation_reason and known is not wanted.revocation_reason:
            reasons = f"is given with two reasons: {known} and {wanted.revocation_reason}"
            self.faults.append(InvalidInput(f"serial number {serial_number.to_hex(wanted.serial)} {reasons}"))
        self.reasons[wanted.serial] = known or wanted.revocation_reason


def fetch(location: ObjectLocation, max_bytes: int, get_object: s3.GetObject) -> s3.FetchedObject:
    """Read an object that the input names.

    Raises:
        InputObjectNotFound: there is none, or access is denied, which S3 may report alike.
        InputObjectTooLarge: it is larger than `max_bytes`; it was not downloaded.

    """
    try:
        fetched = get_object(location.bucket, location.key, version_id=location.version_id, max_bytes=max_bytes)
    except CrlTooLarge as error:
        raise InputObjectTooLarge(str(error)) from error
    except AwsCallRefused as error:
        advice = "The stack reads inputs only from its own input bucket: copy the object there"
        raise InputObjectNotFound(f"{error}. {advice}") from error
    if fetched is None:
        version = f" (version {location.version_id})" if location.version_id else ""
        raise InputObjectNotFound(f"object {location}{version} does not exist")
    return fetched

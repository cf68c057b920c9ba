"""What an input asks to revoke: its serials, certificates and lists made one list of serials, every fault named."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from functions import limits
from functions.aws import s3 as aws_s3
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
from functions.models.base import ObjectLocation
from functions.models.request import RevocationReason, RevocationRequest, SerialList, Wanted
from functions.pki import certificates, serial_number

GetObject = aws_s3.GetObject


@dataclass(slots=True)
class SerialCollector:
    """What was found so far: each serial once, in the order of the input, with the reason told for it alone.

    Without the CA (it could not be read), certificates are read and not compared with it.
    """

    authority: x509.Certificate | None
    chain: list[x509.Certificate]
    now: datetime
    get_object: GetObject
    reasons: dict[int, RevocationReason | None] = field(default_factory=dict)
    faults: list[RequestRefused] = field(default_factory=list)

    def take(self, request: RevocationRequest) -> None:
        """Take all that is asked for; a fault of one thing hides no fault of the next."""
        for written in request.serials:
            self._add(written.wanted)
        for number, given in enumerate(request.certificates):
            with self._collecting():
                self._take_certificates(given, f"Certificates[{number}]")
        if request.serial_list:
            with self._collecting():
                self._take_list(request.serial_list, request.certificate_authority_arn)
        if len(self.reasons) > limits.MAX_SERIALS:
            told = f"{len(self.reasons):,} serials are wanted, and at most {limits.MAX_SERIALS:,} are taken: split them"
            self.faults.append(InvalidSerialList(told))

    def _take_certificates(self, given: ObjectLocation | str, where: str) -> None:
        if isinstance(given, str):
            held = certificates.read(given.encode(errors="replace"), where)
        else:
            held = certificates.read(fetch(given, limits.MAX_CERTIFICATE_FILE_BYTES, self.get_object).body, str(given))
        if self.authority is None:
            return
        for certificate in certificates.client_certificates(held, self.authority, self.chain, where):
            with self._collecting():
                certificates.check(certificate, self.authority, self.now)
                self._add(Wanted(serial=certificate.serial_number))

    def _take_list(self, given: SerialList, certificate_authority_arn: str | None) -> None:
        body = fetch(given, limits.MAX_SERIAL_LIST_BYTES, self.get_object).body
        form = serial_list.format_of(given.key, given.format)
        for wanted in serial_list.read(body, form, str(given), certificate_authority_arn):
            self._add(wanted)

    def _add(self, wanted: Wanted) -> None:
        known = self.reasons.get(wanted.serial)
        if known and wanted.revocation_reason and known is not wanted.revocation_reason:
            told = f"is given with two reasons: {known} and {wanted.revocation_reason}"
            self.faults.append(InvalidInput(f"serial number {serial_number.to_hex(wanted.serial)} {told}"))
        self.reasons[wanted.serial] = known or wanted.revocation_reason

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        try:
            yield
        except RequestRefused as fault:
            self.faults.append(fault)


def fetch(location: ObjectLocation, max_bytes: int, get_object: GetObject) -> aws_s3.FetchedObject:
    """Read an object that the input names.

    Raises:
        InputObjectNotFound: there is none, or it may not be read, which S3 answers alike.
        InputObjectTooLarge: it is larger than anything of its kind; it was not downloaded.

    """
    try:
        fetched = get_object(location.bucket, location.key, version_id=location.version_id, max_bytes=max_bytes)
    except CrlTooLarge as fault:
        raise InputObjectTooLarge(str(fault)) from fault
    except AwsCallRefused as refusal:
        told = "The stack reads inputs from its own input bucket alone: copy the object there"
        raise InputObjectNotFound(f"{refusal}. {told}") from refusal
    if fetched is None:
        version = f", version {location.version_id}" if location.version_id else ""
        raise InputObjectNotFound(f"there is no object {location}{version}")
    return fetched

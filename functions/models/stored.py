"""The documents that the steps keep in S3 beside the state, such as the manifest and the evidence."""

from datetime import datetime

from cryptography import x509
from pydantic import AwareDatetime, Field

from functions.models.base import Model, Serial, TrustStoreArn
from functions.models.request import AcceptedRequest
from functions.models.states import Revocation
from functions.pki.chain import ca_id_from_key


class AttachedList(Model):
    """A revocation list in a trust store, and what was read in it. Ids are never reused."""

    revocation_id: int
    number_of_revoked_entries: int
    next_update: datetime | None = None
    # None, as all that follows, if it is another CA's or not complete; such a list is never compared or removed.
    sha256: str | None = None
    crl_number: int | None = Field(default=None, description="None for a list of this CA below all that have one.")
    this_update: datetime | None = None
    held_serials: list[Serial] = Field(default_factory=list, description="The wanted serials in it.")

    @property
    def rank(self) -> tuple[int, int]:
        """The order of one CA's lists: the highest wins, no matter which execution attached it."""
        return (-1 if self.crl_number is None else self.crl_number, self.revocation_id)


class Baseline(Model):
    """A trust store before the execution changed anything."""

    trust_store_arn: TrustStoreArn
    total_revoked_entries: int
    entries: int = Field(description="Distinct serials in this CA's lists.")
    lists: list[AttachedList]
    namesakes: str | None = Field(default=None, description="The CAs of the same name in the bundle, accepted.")
    ca_expiry: datetime | None = Field(
        default=None, description="When the first CA certificate of the bundle expires; None if none can be read."
    )
    issuer_pems: list[str] = Field(
        default_factory=list, description="The certificates with which load balancers verify this CA's CRLs."
    )

    @property
    def issuers(self) -> list[x509.Certificate]:
        """The CA's certificates in the bundle, or the CA's own if it holds none."""
        return [x509.load_pem_x509_certificate(pem.encode()) for pem in self.issuer_pems]

    @property
    def held_serials(self) -> set[int]:
        """The wanted serials that were enforced already."""
        return {serial for attached in self.lists for serial in attached.held_serials}


class CrlLocation(Model):
    """Where the CRL is, and which object was there when the execution started."""

    bucket: str
    key: str
    etag: str | None = Field(default=None, alias="ETag")
    version_id: str | None = Field(
        default=None, description="The version of a third-party CRL; other versions are ignored."
    )


class Manifest(Model):
    """What all later steps need, kept in S3 beside the report and not in the state."""

    execution_arn: str
    execution_name: str
    start_time: datetime
    request: AcceptedRequest
    issuer_pem: str
    crl: CrlLocation
    baselines: list[Baseline]

    @property
    def issuer(self) -> x509.Certificate:
        """The CA's certificate, whose name and key its CRLs are checked with."""
        return x509.load_pem_x509_certificate(self.issuer_pem.encode())

    @property
    def is_third_party(self) -> bool:
        """Whether the input names a CRL, of a CA outside Private CA."""
        return self.request.crl is not None

    @property
    def authority_id(self) -> str:
        """The id of the CA: the last part of its ARN or, for a CA without one, an id made from its key."""
        arn = self.request.certificate_authority_arn
        return arn.rsplit("/", 1)[1] if arn else ca_id_from_key(self.issuer)

    @property
    def wanted(self) -> frozenset[int]:
        """The serials of the request."""
        return frozenset(self.request.serials)

    def baseline(self, trust_store_arn: str) -> Baseline:
        """Return the trust store's state before the execution changed anything."""
        return next(b for b in self.baselines if b.trust_store_arn == trust_store_arn)


class Evidence(Model):
    """What VerifyRevocation read back from a trust store, kept for the report and for auditors."""

    trust_store_arn: TrustStoreArn
    verified_at: datetime
    attached: AttachedList
    dropped_serials: list[Serial] = Field(
        description="The first hundred serials of the lists before that are not in it."
    )


class Outcomes(Model):
    """The outcomes of the serials of one batch."""

    revocations: list[Revocation] = Field(default_factory=list)


class NotifiedOutcome(Model):
    """The outcome of an execution that people and programs were notified of."""

    execution_arn: str
    start_time: datetime
    outcome: str


class CrlFailure(Model):
    """Private CA's event that it could not generate or write a CRL, kept for the executions that wait for it."""

    certificate_authority_arn: str
    at: datetime
    reason: str = Field(description="In Private CA's words.")


class Claim(Model):
    """The reconcile that corrects a drift, and since when."""

    execution_arn: str
    crl_number: int | None = Field(description="The CRL that it enforces; None once the claim is released.")
    at: AwareDatetime

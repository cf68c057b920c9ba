"""What the steps keep in S3 beside the state: the manifest of an execution, and the evidence of what was read back."""

from datetime import datetime, timedelta

from cryptography import x509
from pydantic import Field

from functions.models.base import Model, Serial, TrustStoreArn
from functions.models.request import AcceptedRequest
from functions.models.states import Revocation
from functions.pki.chain import ca_id_from_key


class AttachedList(Model):
    """A revocation list in a trust store, and what is known of it after reading it. An id is never reused."""

    revocation_id: int
    number_of_revoked_entries: int
    # None in what follows: not a complete base CRL signed by this CA's key, so never compared or removed.
    crl_number: int | None = None
    sha256: str | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    held_serials: list[Serial] = Field(default_factory=list, description="Those of the wanted ones in it.")

    @property
    def rank(self) -> tuple[int, int]:
        """The order of the lists of one CA: the highest wins, whoever attached it."""
        return (-1 if self.crl_number is None else self.crl_number, self.revocation_id)


class Baseline(Model):
    """A trust store before anything was done."""

    trust_store_arn: TrustStoreArn
    total_revoked_entries: int
    entries: int = Field(description="Distinct serials in this CA's lists.")
    lists: list[AttachedList]

    @property
    def held_serials(self) -> set[int]:
        """The wanted serials that were in force already."""
        return {serial for attached in self.lists for serial in attached.held_serials}


class CrlLocation(Model):
    """Where Private CA writes the CRL, and which object lay there before anything was done."""

    bucket: str
    key: str
    etag: str | None = Field(default=None, alias="ETag")
    version_id: str | None = Field(default=None, description="Of a CRL that was handed over: this one, and no other.")


class Manifest(Model):
    """What all later steps need and no state carries: kept in S3 beside the report."""

    execution_arn: str
    execution_name: str
    start_time: datetime
    request: AcceptedRequest
    issuer_pem: str
    crl: CrlLocation
    baselines: list[Baseline]

    @property
    def issuer(self) -> x509.Certificate:
        """The CA's own certificate: the name and the key that its CRLs are checked with."""
        return x509.load_pem_x509_certificate(self.issuer_pem.encode())

    @property
    def is_third_party(self) -> bool:
        """Whether the CRL is of a CA that is not Private CA's, and was named in the input."""
        return self.request.crl is not None

    @property
    def authority_id(self) -> str:
        """The short name of the CA: the last part of its ARN, or of a CA that has none, its key's."""
        arn = self.request.certificate_authority_arn
        return arn.rsplit("/", 1)[1] if arn else ca_id_from_key(self.issuer)

    @property
    def wanted(self) -> frozenset[int]:
        """The serials that were asked for."""
        return frozenset(self.request.serials)

    def baseline(self, trust_store_arn: str) -> Baseline:
        """Give the trust store's state before anything was done."""
        return next(b for b in self.baselines if b.trust_store_arn == trust_store_arn)


class Evidence(Model):
    """What VerifyRevocation read back from a trust store, kept in S3 for the report and for an auditor."""

    trust_store_arn: TrustStoreArn
    verified_at: datetime
    attached: AttachedList
    dropped_serials: list[Serial] = Field(description="The first hundred that the lists before held.")


class Outcomes(Model):
    """What became of the serials of one batch."""

    revocations: list[Revocation] = Field(default_factory=list)


class CrlFailure(Model):
    """Private CA's own word that it could not generate or write a CRL, kept for those who wait for it."""

    certificate_authority_arn: str
    at: datetime
    reason: str = Field(description="As Private CA words it.")


class Claim(Model):
    """Which reconcile corrects a drift, and for how long no other does."""

    execution_arn: str
    at: datetime
    lasts: timedelta

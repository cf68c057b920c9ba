"""The steps as functions in the test's process, on a trust store and with a CA of their own."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from functions import workflow_bucket
from functions.aws import s3
from functions.handlers.attach_crl import attach_crl
from functions.handlers.convert_crl import convert_crl
from functions.handlers.find_crl import find_crl
from functions.handlers.remove_superseded_crls import remove_superseded_crls
from functions.handlers.verify_revocation import verify_revocation
from functions.models.base import S3Object
from functions.models.request import AcceptedRequest, Polling
from functions.models.states import (
    ConvertCrlInput,
    ConvertedCrl,
    EnforceInput,
    Failure,
    FindCrlInput,
    FoundCrl,
    Revocation,
    RevocationOutcome,
    StepResult,
    TrustStore,
)
from functions.models.stored import Baseline, CrlLocation, Evidence, Manifest
from functions.pki import serial_number
from functions.trust_store import revocation_lists
from infra.local.elbv2 import responses as embedded_elbv2
from tests.support import pki
from tests.support.harness import Harness
from tests.support.pki import NOW, A

EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:revocation:"

AnyResult = TypeVar("AnyResult", bound=StepResult)


@dataclass
class Steps(Harness):
    """Runs the steps of one execution in this process, with a CA whose CRLs the test signs itself."""

    authority: pki.InMemoryCa = field(default_factory=pki.certificate_authority, kw_only=True)
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:20]}", kw_only=True)

    def peer(self) -> "Steps":
        """Return another execution on the same trust store."""
        return Steps(self.lab, self.trust_store_arn, authority=self.authority)

    def fresh(self) -> "Steps":
        """Return another execution of the same CA, on another trust store."""
        return Steps(self.lab, authority=self.authority)

    # ----------------------------------------------------------------------------- the trust store, from outside

    def add_directly(self, der: bytes) -> None:
        """Add a CRL without an HTTP request, so that it can be called while the embedded AWS handles one."""
        pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
        embedded_elbv2.trust_store(self.trust_store_arn).add([pem])

    def remove(self, *revocation_ids: int) -> None:
        """Remove lists from the trust store as somebody else would."""
        client = self.aws.client("elbv2")
        client.remove_trust_store_revocations(TrustStoreArn=self.trust_store_arn, RevocationIds=list(revocation_ids))

    def attached(self) -> dict[int, set[int]]:
        """Return the serials in each list of the trust store, by RevocationId."""
        return {
            one.revocation_id: set(one.serials)
            for one in embedded_elbv2.trust_store(self.trust_store_arn).lists.values()
        }

    # --------------------------------------------------------------------------------------------- the CRL in S3

    @property
    def crl_location(self) -> tuple[str, str]:
        """Bucket and key of this CA's CRL, which are not those of the lab's CA."""
        return self.lab.outputs["CrlBucketName"], f"{self.name}.crl"

    def publish(self, body: bytes) -> str:
        """Write an object in the place of the CA's CRL; return its ETag."""
        bucket, key = self.crl_location
        etag: str = self.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["ETag"]
        return etag

    # --------------------------------------------------------------------------------- the steps and their inputs

    def manifest(
        self,
        *serials: int,
        trust_store_arns: Iterable[str] = (),
        etag: str | None = None,
        polling: Polling | None = None,
        **request: Any,  # noqa: ANN401 - fields of the request
    ) -> S3Object:
        """Write a manifest for these serials, with the trust stores as they are now."""
        arns = list(trust_store_arns) or [self.trust_store_arn]
        bucket, key = self.crl_location
        issuer, wanted = self.authority.certificate, frozenset(serials)
        baselines = []
        for arn in arns:
            lists = revocation_lists.read_snapshot(arn, issuer, wanted, known={})
            total = sum(each.number_of_revoked_entries for each in lists)
            entries = revocation_lists.count_distinct_entries(arn, lists)
            baselines.append(
                Baseline(
                    trust_store_arn=arn,
                    total_revoked_entries=total,
                    entries=entries,
                    lists=lists,
                    issuer_pems=[self.authority.certificate_pem.decode()],
                )
            )
        manifest = Manifest(
            execution_arn=EXECUTION + self.name,
            execution_name=self.name,
            start_time=NOW,
            request=AcceptedRequest.model_validate(
                {
                    "certificate_authority_arn": self.lab.authority.arn,
                    "trust_store_arns": arns,
                    "serials": list(map(serial_number.to_hex, serials)),
                    "polling": polling or Polling(interval_seconds=1, deadline_seconds=60),
                    **request,
                }
            ),
            issuer_pem=self.authority.certificate_pem.decode(),
            crl=CrlLocation(bucket=bucket, key=key, etag=etag),
            baselines=baselines,
        )
        return workflow_bucket.put_manifest(manifest)

    def find(
        self,
        manifest: S3Object,
        *stores: TrustStore,
        previous: FoundCrl | None = None,
        now: datetime = NOW,
        outcome: RevocationOutcome = RevocationOutcome.REVOKED,
    ) -> FoundCrl:
        """Run FindCrl; all serials have the same outcome."""
        wanted = workflow_bucket.get_manifest(manifest).request.serials
        event = FindCrlInput(
            manifest=manifest,
            revocations=[Revocation(serial=serial, outcome=outcome) for serial in wanted],
            batches=[],
            trust_stores=list(stores) or [self.store()],
            previous=previous or {},
        )
        return find_crl(event, now)

    def convert(self, der: bytes, manifest: S3Object | None = None) -> ConvertedCrl:
        """Publish a CRL and run ConvertCrl on it."""
        found = s3.put_object(*self.crl_location, der, "application/pkix-crl")
        return convert_crl(ConvertCrlInput(manifest=manifest or self.manifest(A), crl=found), NOW)

    def store(self, *, failure: Failure | None = None, **parts: Any) -> TrustStore:  # noqa: ANN401 - fields
        """Return the Map's item for the trust store."""
        return TrustStore(trust_store_arn=self.trust_store_arn, failure=failure, **parts)

    def enforce(
        self, manifest: S3Object, converted: ConvertedCrl, store: TrustStore | None = None, now: datetime = NOW
    ) -> TrustStore:
        """Run the three steps of EnforceOnTrustStores, as many times as the state machine would."""
        while True:
            store = self.attach(manifest, converted, store, now)
            store = self.verify(manifest, converted, store, now)
            store = self.supersede(manifest, converted, store, now)
            if not store.removed.verified_list_gone:
                return store

    def attach(
        self, manifest: S3Object, converted: ConvertedCrl, store: TrustStore | None = None, now: datetime = NOW
    ) -> TrustStore:
        """Run AttachCrl and put its result where `ResultPath` puts it."""
        store = store or self.store()
        event = EnforceInput(manifest=manifest, trust_store=store, converted=converted)
        return store.model_copy(update={"attached": _stamped(attach_crl(event, now), now)})

    def verify(self, manifest: S3Object, converted: ConvertedCrl, store: TrustStore, now: datetime = NOW) -> TrustStore:
        """Run VerifyRevocation and put its result where `ResultPath` puts it."""
        event = EnforceInput(manifest=manifest, trust_store=store, converted=converted)
        return store.model_copy(update={"verified": _stamped(verify_revocation(event, now), now)})

    def supersede(
        self, manifest: S3Object, converted: ConvertedCrl, store: TrustStore, now: datetime = NOW
    ) -> TrustStore:
        """Run RemoveSupersededCrls and put its result where `ResultPath` puts it."""
        event = EnforceInput(manifest=manifest, trust_store=store, converted=converted)
        return store.model_copy(update={"removed": _stamped(remove_superseded_crls(event, now), now)})

    def evidence(self, store: TrustStore) -> Evidence:
        """Read the evidence that VerifyRevocation wrote last."""
        assert store.verified.evidence is not None
        return workflow_bucket.get_evidence(store.verified.evidence)


def _stamped(result: AnyResult, now: datetime) -> AnyResult:
    return result.model_copy(update={"started_at": now, "finished_at": now + timedelta(seconds=1)})

"""What a test through the whole workflow needs: a trust store of its own, clients, executions and their reports."""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from functions.pki import serial_number
from infra.local.acm_pca import service as acm_pca
from infra.local.elbv2 import responses as elbv2
from infra.local.lab.lab import Laboratory, create_trust_store
from infra.local.lab.pki import Authority, Client
from infra.local.server import EmbeddedAws
from tests.support import pki

_names = itertools.count()
# Asked ten times a second, the embedded AWS is busier with answering than with the execution.
_LOOK_EVERY = 0.3
_ENDS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution that has ended, with its report."""

    arn: str
    status: str
    error: str | None
    cause: str
    output: dict[str, Any]
    report: dict[str, Any]
    seconds: float
    history: list[dict[str, Any]] = field(repr=False)

    @property
    def states(self) -> list[str]:
        """The states entered, in order."""
        entered = (event.get("stateEnteredEventDetails") for event in self.history)
        return [details["name"] for details in entered if details]

    @property
    def looks(self) -> list[str]:
        """What FindCrl made of the CRL at each look, in order."""
        return list(_looks(self.history))

    @property
    def outcomes(self) -> dict[str, str]:
        """What became of each serial at Private CA."""
        return {each["Serial"]: each.get("Outcome", "") for each in self.report["Serials"]}

    @property
    def enforced(self) -> set[str]:
        """The serials that the report calls enforced."""
        return {each["Serial"] for each in self.report["Serials"] if each["Enforced"]}


def _looks(history: Iterable[dict[str, Any]]) -> Iterator[str]:
    for event in history:
        exited = event.get("stateExitedEventDetails", {})
        if exited.get("name") == "FindCrl":
            yield json.loads(exited["output"])["Found"]["Status"]


@dataclass
class Workflow:
    """The deployed state machine, seen from one trust store."""

    lab: Laboratory
    trust_store_arn: str
    folder: Path

    @property
    def aws(self) -> EmbeddedAws:
        """The embedded AWS it all runs on."""
        return self.lab.aws

    @property
    def authority(self) -> Authority:
        """The CA whose certificates the stack may revoke."""
        return self.lab.authority

    def clients(self, number: int, validity: dict[str, object] | None = None) -> list[Client]:
        """Issue client certificates."""
        return [self.authority.issue_client(self.folder, f"client-{next(_names)}", validity) for _ in range(number)]

    def issued(self, number: int) -> list[int]:
        """Issue many certificates for one key, whose holder is nobody; give their serials."""
        ca = acm_pca.certificate_authority(self.authority.arn)
        csr = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "many")]))
            .sign(pki.ec_key(), hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )
        template = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate/V1"
        month = {"Type": "DAYS", "Value": 30}
        arns = [ca.issue(csr, template, "SHA256WITHECDSA", month, None) for _ in range(number)]
        return [int(arn.rsplit("/", 1)[1], 16) for arn in arns]

    def twin(self) -> Authority:
        """Create another CA under the same root, with the same name and a key of its own."""
        ours = acm_pca.certificate_authority(self.authority.arn)
        twin = Authority.create_under(self.lab.root, ours.configuration["Subject"]["CommonName"])
        assert acm_pca.certificate_authority(twin.arn).name == ours.name
        return twin

    def signer(self, authority: Authority) -> pki.Authority:
        """Give a CA with its key, to sign what Private CA would not."""
        behind = acm_pca.certificate_authority(authority.arn)
        assert behind.certificate is not None
        return pki.Authority(behind.certificate, behind.key)

    def another_trust_store(self, *authorities: Authority) -> str:
        """Create a trust store with these CAs in its bundle, or with the laboratory's."""
        bundle = list(authorities) or [self.authority, self.lab.root]
        return create_trust_store(self.aws, f"store-{next(_names)}", bundle)

    def start(self, *wanted: Client | str, seconds: int = 10, **more: object) -> str:
        """Start an execution for clients or serials; it looks every second, for `seconds`."""
        request = {
            "Serials": [serial_number.to_hex(each.serial) if isinstance(each, Client) else each for each in wanted],
            "TrustStoreArns": [self.trust_store_arn],
            "Polling": {"IntervalSeconds": 1, "DeadlineSeconds": seconds},
            **more,
        }
        return self.start_with(request)

    def start_with(self, request: object) -> str:
        """Start an execution with this very input."""
        made = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.lab.outputs["StateMachineArn"], input=json.dumps(request)
        )
        return str(made["executionArn"])

    def executions(self) -> list[str]:
        """All executions, the newest first."""
        found = self.aws.client("stepfunctions").list_executions(stateMachineArn=self.lab.outputs["StateMachineArn"])
        return [each["executionArn"] for each in found["executions"]]

    def started_since(self, before: set[str], number: int = 1) -> list[str]:
        """Wait until so many executions are there that were not before."""
        for _ in range(600):
            new = [arn for arn in self.executions() if arn not in before]
            if len(new) >= number:
                return new
            time.sleep(0.05)
        raise TimeoutError(f"{number} executions were to be started")

    def ended(self, execution_arn: str, patience: float = 180) -> Execution:
        """Wait for an execution to end."""
        sfn = self.aws.client("stepfunctions")
        for _ in range(int(patience / _LOOK_EVERY)):
            described = sfn.describe_execution(executionArn=execution_arn)
            if described["status"] != "RUNNING":
                break
            time.sleep(_LOOK_EVERY)
        else:
            raise TimeoutError(f"{execution_arn} is still running after {patience} seconds")
        pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        return Execution(
            arn=execution_arn,
            status=described["status"],
            error=described.get("error"),
            cause=described.get("cause", ""),
            output=json.loads(described.get("output") or "{}"),
            report=self.report(execution_arn),
            seconds=(described["stopDate"] - described["startDate"]).total_seconds(),
            history=[event for page in pages for event in page["events"]],
        )

    def run(self, *wanted: Client | str, seconds: int = 10, **more: object) -> Execution:
        """Start an execution and wait for its end."""
        return self.ended(self.start(*wanted, seconds=seconds, **more))

    def reaches(self, execution_arn: str, state: str, patience: float = 30, times: int = 1) -> None:
        """Wait until an execution has entered a state, so many times."""

        def entered(history: list[dict[str, Any]]) -> bool:
            names = [event.get("stateEnteredEventDetails", {}).get("name") for event in history]
            return names.count(state) >= times

        self._until(execution_arn, entered, patience, f"has not reached {state}")

    def finds(self, execution_arn: str, status: str, patience: float = 30) -> None:
        """Wait until FindCrl has made this of the CRL."""
        self._until(execution_arn, lambda seen: status in _looks(seen), patience, f"has found no {status} CRL")

    def looks_or_ends(self, execution_arn: str, patience: float = 60) -> None:
        """Wait until FindCrl has looked once, or will never."""

        def looked(history: list[dict[str, Any]]) -> bool:
            return any(_looks(history)) or any(event["type"] in _ENDS for event in history)

        self._until(execution_arn, looked, patience, "has not looked for a CRL")

    def _until(
        self, execution_arn: str, met: Callable[[list[dict[str, Any]]], bool], patience: float, not_met: str
    ) -> None:
        sfn = self.aws.client("stepfunctions")
        for _ in range(int(patience / _LOOK_EVERY)):
            pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
            if met([event for page in pages for event in page["events"]]):
                return
            time.sleep(_LOOK_EVERY)
        raise TimeoutError(f"{execution_arn} {not_met} after {patience} seconds")

    def attach(self, der: bytes, trust_store_arn: str | None = None) -> int:
        """Attach a CRL by hand; give its RevocationId."""
        pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
        bucket, key = self.lab.outputs["WorkflowBucketName"], f"by-hand/{next(_names)}.pem"
        self.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=pem)
        made = self.aws.client("elbv2").add_trust_store_revocations(
            TrustStoreArn=trust_store_arn or self.trust_store_arn,
            RevocationContents=[{"S3Bucket": bucket, "S3Key": key, "RevocationType": "CRL"}],
        )
        return int(made["TrustStoreRevocations"][0]["RevocationId"])

    def crl_in_s3(self) -> x509.CertificateRevocationList:
        """Give the CRL that lies in S3, as parsed by cryptography."""
        return x509.load_der_x509_crl(self.aws.client("s3").get_object(**self.lab.crl_object)["Body"].read())

    def delete_crl(self) -> None:
        """Take the CRL away, as if the CA had not published any yet."""
        self.aws.client("s3").delete_object(**self.lab.crl_object)

    def revoke_elsewhere(self, *clients: Client) -> None:
        """Revoke without the workflow, and wait for the CRL, so that none is due afterwards."""
        for client in clients:
            self.aws.client("acm-pca").revoke_certificate(
                CertificateAuthorityArn=self.authority.arn,
                CertificateSerial=serial_number.to_hex(client.serial),
                RevocationReason="SUPERSEDED",
            )
        wanted = {client.serial for client in clients}
        for _ in range(200):
            if wanted <= {entry.serial_number for entry in self.crl_in_s3()}:
                return
            time.sleep(0.05)
        raise TimeoutError("the CRL of what was revoked has not come")

    def report(self, execution_arn: str) -> dict[str, Any]:
        """Read an execution's report; it is empty when none was written."""
        s3, bucket = self.aws.client("s3"), self.lab.outputs["WorkflowBucketName"]
        key = f"executions/{execution_arn.rsplit(':', 1)[1]}/report.json"
        try:
            read: dict[str, Any] = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
        except s3.exceptions.NoSuchKey:
            return {}
        return read

    def lists(self, trust_store_arn: str | None = None) -> dict[int, x509.CertificateRevocationList]:
        """Give the lists that a trust store holds, by their RevocationId, as parsed by cryptography."""
        return dict(self._lists(trust_store_arn or self.trust_store_arn))

    def _lists(self, arn: str) -> Iterator[tuple[int, x509.CertificateRevocationList]]:
        for each in elbv2.trust_store(arn).visible_lists:
            yield each.revocation_id, each.crl

    def held(self, trust_store_arn: str | None = None) -> set[int]:
        """Give all serials that a trust store refuses."""
        return {entry.serial_number for crl in self.lists(trust_store_arn).values() for entry in crl}

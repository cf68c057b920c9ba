"""The deployed workflow as a test uses it: clients, executions and their reports."""

import itertools
import json
import threading
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
from infra.local.core import faults
from infra.local.lab.lab import Lab
from infra.local.lab.pki import Client, PrivateCa
from tests.support import pki
from tests.support.harness import Harness
from tests.support.private_ca import expire
from tests.support.waiting import PATIENCE_SECONDS, eventually

REVOKE = "acm-pca:RevokeCertificate"
_names = itertools.count()
# Polled more often, the embedded AWS would be busier with its answers than with the execution.
_POLL_SECONDS = 0.15
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
        """The states that were entered, in order."""
        entered = (event.get("stateEnteredEventDetails") for event in self.history)
        return [details["name"] for details in entered if details]

    @property
    def find_crl_statuses(self) -> list[str]:
        """The status that FindCrl returned at each poll, in order."""
        return list(_find_crl_statuses(self.history))

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each serial at Private CA."""
        return {each["Serial"]: each.get("Outcome", "") for each in self.report["Serials"]}

    @property
    def enforced(self) -> set[str]:
        """The serials that are enforced according to the report."""
        return {each["Serial"] for each in self.report["Serials"] if each["Enforced"]}


def calls_of(action: str) -> list[str]:
    """Return a list to which the resource of each call of an action is added from now on."""
    resources: list[str] = []
    faults.observe(lambda called, resource: resources.append(resource) if called == action else None)
    return resources


def before_first_call(
    wanted: str, resource: str, act: Callable[[], object], provided: Callable[[], bool] = lambda: True
) -> None:
    """Do something once, just before a call of an action on a resource is handled."""
    once = threading.Lock()

    def observer(action: str, called_on: str) -> None:
        if (action, called_on) == (wanted, resource) and provided() and once.acquire(blocking=False):
            act()

    faults.observe(observer)


def _find_crl_statuses(history: Iterable[dict[str, Any]]) -> Iterator[str]:
    for event in history:
        exited = event.get("stateExitedEventDetails", {})
        if exited.get("name") == "FindCrl":
            yield json.loads(exited["output"])["Found"]["Status"]


@dataclass
class Workflow(Harness):
    """The deployed state machine, seen from one trust store."""

    lab: Lab
    folder: Path = field(kw_only=True)

    @property
    def authority(self) -> PrivateCa:
        """The CA whose certificates the stack may revoke."""
        return self.lab.authority

    # ------------------------------------------------------------------------------------------------- certificates

    def clients(self, number: int, validity: dict[str, object] | None = None) -> list[Client]:
        """Issue client certificates."""
        return [self.authority.issue_client(self.folder, f"client-{next(_names)}", validity) for _ in range(number)]

    def issue_serials(self, number: int) -> list[int]:
        """Issue many certificates for one key that is thrown away, and return their serial numbers."""
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

    def expire(self, client: Client) -> None:
        """Make a client's certificate, as Private CA knows it, one that ended a day ago."""
        expire(acm_pca.certificate_authority(self.authority.arn), client.serial)

    def create_twin(self) -> PrivateCa:
        """Create another CA under the same root, with the same name and a key of its own."""
        ours = acm_pca.certificate_authority(self.authority.arn)
        twin = PrivateCa.create_under(self.lab.root, ours.configuration["Subject"]["CommonName"])
        assert acm_pca.certificate_authority(twin.arn).name == ours.name
        return twin

    # --------------------------------------------------------------------------------------------------- executions

    def start(self, *wanted: Client | str, seconds: int = 10, **more: object) -> str:
        """Start an execution for clients or serials; it polls every second, for `seconds`."""
        request = {
            "Serials": [each if isinstance(each, str) else serial_number.to_hex(each.serial) for each in wanted],
            "TrustStoreArns": [self.trust_store_arn],
            "Polling": {"IntervalSeconds": 1, "DeadlineSeconds": seconds},
            **more,
        }
        return self.start_with(request)

    def start_with(self, request: object) -> str:
        """Start an execution with exactly this input."""
        response = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.lab.outputs["StateMachineArn"], input=json.dumps(request)
        )
        return str(response["executionArn"])

    def run(self, *wanted: Client | str, seconds: int = 10, **more: object) -> Execution:
        """Start an execution and wait for its end."""
        return self.wait(self.start(*wanted, seconds=seconds, **more))

    def executions(self) -> list[str]:
        """Return the ARNs of all executions, the newest first."""
        response = self.aws.client("stepfunctions").list_executions(stateMachineArn=self.lab.outputs["StateMachineArn"])
        return [each["executionArn"] for each in response["executions"]]

    def is_running(self, execution_arn: str) -> bool:
        """Return whether an execution has not ended."""
        described = self.aws.client("stepfunctions").describe_execution(executionArn=execution_arn)
        return bool(described["status"] == "RUNNING")

    def stop_at(self, action: str, resource: str) -> list[str]:
        """Stop the running executions at the next call of an action on such a resource; return where their ARNs go."""
        stopped: list[str] = []

        def stop(called: str, called_on: str) -> None:
            if called == action and resource in called_on and not stopped:
                stopped.extend(arn for arn in self.executions() if self.is_running(arn))
                for arn in stopped:
                    self.aws.client("stepfunctions").stop_execution(executionArn=arn)

        faults.observe(stop)
        return stopped

    def wait_for_start(self, before: set[str], number: int = 1) -> list[str]:
        """Wait for this many executions that are not among those of `before`, and return their ARNs."""

        def started() -> list[str] | None:
            new = [arn for arn in self.executions() if arn not in before]
            return new if len(new) >= number else None

        return eventually(started, every=0.1, expected=f"{number} new executions")

    def wait(self, execution_arn: str, seconds: float = PATIENCE_SECONDS) -> Execution:
        """Wait for an execution to end."""
        sfn = self.aws.client("stepfunctions")

        def ended() -> dict[str, Any] | None:
            description: dict[str, Any] = sfn.describe_execution(executionArn=execution_arn)
            return description if description["status"] != "RUNNING" else None

        description = eventually(ended, seconds=seconds, every=_POLL_SECONDS, expected=f"end of {execution_arn}")
        return Execution(
            arn=execution_arn,
            status=description["status"],
            error=description.get("error"),
            cause=description.get("cause", ""),
            output=json.loads(description.get("output") or "{}"),
            report=self.report(execution_arn),
            seconds=(description["stopDate"] - description["startDate"]).total_seconds(),
            history=self._history(execution_arn),
        )

    def wait_for_state(self, execution_arn: str, state: str, times: int = 1) -> None:
        """Wait until an execution has entered a state, or has entered it several `times`."""

        def entered(history: list[dict[str, Any]]) -> bool:
            names = [event.get("stateEnteredEventDetails", {}).get("name") for event in history]
            return names.count(state) >= times

        self._wait_until(execution_arn, entered, f"state {state}")

    def wait_for_crl_status(self, execution_arn: str, status: str) -> None:
        """Wait until FindCrl has returned a status."""
        self._wait_until(execution_arn, lambda history: status in _find_crl_statuses(history), f"{status} of FindCrl")

    def wait_for_poll_or_end(self, execution_arn: str) -> None:
        """Wait until FindCrl has looked for the CRL once, or the execution has ended without it."""

        def polled(history: list[dict[str, Any]]) -> bool:
            return any(_find_crl_statuses(history)) or any(event["type"] in _ENDS for event in history)

        self._wait_until(execution_arn, polled, "poll of FindCrl")

    def _wait_until(self, execution_arn: str, condition: Callable[[list[dict[str, Any]]], bool], expected: str) -> None:
        eventually(
            lambda: condition(self._history(execution_arn)) or None,
            every=_POLL_SECONDS,
            expected=f"{expected} in {execution_arn}",
        )

    def _history(self, execution_arn: str) -> list[dict[str, Any]]:
        paginator = self.aws.client("stepfunctions").get_paginator("get_execution_history")
        pages = paginator.paginate(executionArn=execution_arn, PaginationConfig={"PageSize": 1000})
        return [event for page in pages for event in page["events"]]

    def report(self, execution_arn: str) -> dict[str, Any]:
        """Read an execution's report; it is empty if none was written."""
        s3 = self.aws.client("s3")
        key = f"executions/{execution_arn.rsplit(':', 1)[1]}/report.json"
        try:
            report: dict[str, Any] = json.load(s3.get_object(Bucket=self.bucket, Key=key)["Body"])
        except s3.exceptions.NoSuchKey:
            return {}
        return report

    def when_it_looks(self, number: int, act: Callable[[], object]) -> None:
        """Do something once, when FindCrl looks for the CRL first, after this many calls of RevokeCertificate."""
        revoked = calls_of(REVOKE)
        crl = "arn:aws:s3:::{Bucket}/{Key}".format(**self.lab.crl_object)
        before_first_call("s3:GetObject", crl, act, provided=lambda: len(revoked) >= number)

    # --------------------------------------------------------------------------------------------- the CRL in S3

    def crl_in_s3(self) -> x509.CertificateRevocationList:
        """Return the CRL in S3, as parsed by cryptography."""
        return x509.load_der_x509_crl(self.aws.client("s3").get_object(**self.lab.crl_object)["Body"].read())

    def delete_crl(self) -> None:
        """Delete the CRL in S3, as if the CA had not published any yet."""
        self.aws.client("s3").delete_object(**self.lab.crl_object)

    def revoke_elsewhere(self, *clients: Client) -> None:
        """Revoke without the workflow, and wait for the CRL, so that none is due afterwards."""
        for client in clients:
            self.aws.client("acm-pca").revoke_certificate(
                CertificateAuthorityArn=self.authority.arn,
                CertificateSerial=serial_number.to_hex(client.serial),
                RevocationReason="SUPERSEDED",
            )
        self.wait_for_crl_with(*clients)

    def wait_for_crl_with(self, *clients: Client) -> None:
        """Wait until the CRL in S3 names these clients."""
        wanted = {client.serial for client in clients}
        eventually(
            lambda: wanted <= {entry.serial_number for entry in self.crl_in_s3()} or None,
            every=0.05,
            expected="CRL with the revoked certificates",
        )

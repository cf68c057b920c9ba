"""What a test through the whole workflow needs: a trust store of its own, clients, executions and their reports."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509

from functions import serials
from infra.local import elbv2
from infra.local.authority import Authority, Client
from infra.local.laboratory import Laboratory, create_trust_store
from infra.local.server import EmbeddedAws

_names = itertools.count()


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
    def outcomes(self) -> dict[str, str]:
        """What became of each serial at Private CA."""
        return {each["Serial"]: each.get("Outcome", "") for each in self.report["Serials"]}

    @property
    def enforced(self) -> set[str]:
        """The serials that the report calls enforced."""
        return {each["Serial"] for each in self.report["Serials"] if each["Enforced"]}


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

    def clients(self, number: int, **options: Any) -> list[Client]:
        """Issue client certificates."""
        return [self.authority.issue_client(self.folder, f"client-{next(_names)}", **options) for _ in range(number)]

    def another_trust_store(self, *authorities: Authority) -> str:
        """Create a trust store with these CAs in its bundle, or with the laboratory's."""
        bundle = list(authorities) or [self.authority, self.lab.root]
        return create_trust_store(self.aws, f"store-{next(_names)}", bundle)

    def start(self, *wanted: Client | str, seconds: int = 10, **more: Any) -> str:
        """Start an execution for clients or serials; it looks every second, for `seconds`."""
        request = {
            "Serials": [serials.write(each.serial) if isinstance(each, Client) else each for each in wanted],
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

    def ended(self, execution_arn: str, patience: float = 60) -> Execution:
        """Wait for an execution to end."""
        sfn = self.aws.client("stepfunctions")
        for _ in range(int(patience / 0.1)):
            described = sfn.describe_execution(executionArn=execution_arn)
            if described["status"] != "RUNNING":
                break
            time.sleep(0.1)
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

    def run(self, *wanted: Client | str, **options: Any) -> Execution:
        """Start an execution and wait for its end."""
        return self.ended(self.start(*wanted, **options))

    def report(self, execution_arn: str) -> dict[str, Any]:
        """Read an execution's report."""
        key = f"executions/{execution_arn.rsplit(':', 1)[1]}/report.json"
        body = self.aws.client("s3").get_object(Bucket=self.lab.outputs["WorkflowBucketName"], Key=key)["Body"]
        read: dict[str, Any] = json.load(body)
        return read

    def lists(self, trust_store_arn: str | None = None) -> dict[int, x509.CertificateRevocationList]:
        """Give the lists that a trust store holds, by their RevocationId, as parsed by cryptography."""
        return dict(self._lists(trust_store_arn or self.trust_store_arn))

    def _lists(self, arn: str) -> Iterator[tuple[int, x509.CertificateRevocationList]]:
        for each in elbv2.trust_store(arn).visible:
            yield each.revocation_id, each.crl

    def held(self, trust_store_arn: str | None = None) -> set[int]:
        """Give all serials that a trust store refuses."""
        return {entry.serial_number for crl in self.lists(trust_store_arn).values() for entry in crl}

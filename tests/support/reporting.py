"""What tests of the report and its notifications share: the state of an execution, step by step, and its report."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from functions import workflow_bucket
from functions.handlers.report_revocation import report_revocation
from functions.models.base import S3Object
from functions.models.report import Report, ReportLocation
from functions.models.request import Polling, RevocationReason, WantedSerial
from functions.models.states import (
    CrlStatus,
    FoundCrl,
    GatheredState,
    Prepared,
    ReportInput,
    Revocation,
    RevocationOutcome,
    TrustStore,
)
from tests.support.pki import NOW, A, B, C, D
from tests.support.steps import EXECUTION, Steps

REVOKED, FAILED = RevocationOutcome.REVOKED, RevocationOutcome.FAILED
ALREADY, EXPIRED = RevocationOutcome.ALREADY_REVOKED, RevocationOutcome.EXPIRED
ReceiveMessages = Callable[[], list[dict[str, Any]]]


class WrittenReport:
    """A report as ReportRevocation wrote it."""

    def __init__(self, location: ReportLocation) -> None:
        """Read it from S3."""
        self.location = location
        self.report = Report.model_validate_json(workflow_bucket.get_object(location.report_json))
        self.text = workflow_bucket.get_object(location.report_markdown).decode()

    @property
    def enforced(self) -> list[int]:
        """The serials that it calls enforced."""
        return [each.serial for each in self.report.serials if each.enforced]


def write_report(steps: Steps, **state: Any) -> WrittenReport:  # noqa: ANN401 - fields of the state
    """Run ReportRevocation on the state of an execution."""
    event = ReportInput(
        execution_arn=EXECUTION + steps.name,
        execution_name=steps.name,
        start_time=NOW,
        state=GatheredState(**state),
    )
    return WrittenReport(report_revocation(event, NOW + timedelta(minutes=40)))


def make_report(**fields: Any) -> Report:  # noqa: ANN401 - fields of the report
    """Return a report, of a success by default, of an execution that wrote nothing."""
    defaults = {"outcome": "SUCCEEDED", "execution_arn": EXECUTION + "e", "execution_name": "e"}
    return Report.model_validate({**defaults, "start_time": NOW, "reported_at": NOW, **fields})


def prepared(manifest: S3Object) -> Prepared:
    """Return PrepareRevocation's result for a manifest."""
    request = workflow_bucket.get_manifest(manifest).request
    return Prepared(
        manifest=manifest,
        certificate_authority_arn=request.certificate_authority_arn,
        revocation_reason=RevocationReason.UNSPECIFIED,
        polling=Polling(),
        reconcile=request.reconcile,
        serials=[WantedSerial(serial=serial) for serial in request.serials],
        trust_stores=[TrustStore(trust_store_arn=arn) for arn in request.trust_store_arns],
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=2),
    )


def prepared_state(steps: Steps, *serials: int) -> dict[str, Any]:
    """Return the JSON state of an execution after BeginRevocation."""
    result = prepared(steps.manifest(*serials)).model_dump(mode="json", exclude_none=True)
    return {"Prepared": result, "TrustStores": result["TrustStores"], "Revocations": [], "Batches": [], "Found": {}}


def revocations(outcomes: dict[int, RevocationOutcome], error: str | None = None) -> list[Revocation]:
    """Return RevokeCertificate's results."""
    return [
        Revocation(serial=serial, outcome=outcome, at=NOW, error=error if outcome is FAILED else None)
        for serial, outcome in outcomes.items()
    ]


def found(status: CrlStatus, *missing: int, wanted: int = 2, **more: Any) -> FoundCrl:  # noqa: ANN401 - its fields
    """Return FindCrl's result after three polls."""
    return FoundCrl(
        status=status,
        polls=3,
        first_poll_at=NOW + timedelta(seconds=5),
        finished_at=NOW + timedelta(minutes=30),
        deadline=NOW + timedelta(hours=2),
        deadline_passed=bool(missing),
        number_wanted=wanted,
        number_missing=len(missing),
        missing_serials=list(missing)[:10],
        **more,
    )


def done(steps: Steps, outcomes: dict[int, RevocationOutcome] | None = None, **request: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the state of an execution that enforced A and B; an older list held A and D."""
    steps.add(steps.authority.crl([A, D], number=1))
    manifest = steps.manifest(*(outcomes or {A: REVOKED, B: REVOKED}), **request)
    converted = steps.convert(steps.authority.crl([A, B, C], number=2), manifest)
    return {
        "prepared": prepared(manifest),
        "revocations": revocations(outcomes or {A: ALREADY, B: REVOKED}),
        "found": found(CrlStatus.COMPLETE),
        "converted": converted,
        "trust_stores": [steps.enforce(manifest, converted)],
    }


def state_entered(state: dict[str, Any]) -> dict[str, Any]:
    """Return the history event of a state that is entered with this input."""
    return {"stateEnteredEventDetails": {"name": "S", "input": json.dumps(state)}}


def state_exited(name: str, output: object) -> dict[str, Any]:
    """Return the history event of a state that is exited with this output."""
    return {"stateExitedEventDetails": {"name": name, "output": json.dumps(output)}}

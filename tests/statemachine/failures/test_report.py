"""A report after every failure, and no secret or stack trace in cause, report or logs."""

import pytest

from infra.local.core import faults
from infra.local.lambda_ import service as lambda_service
from tests.support.workflow import Execution, Workflow

REQUESTER = "Erika Mustermann (on call)"
TICKET = "INC-4711-stolen-laptop"
TOKEN = "hunter-2"  # noqa: S105 - what somebody put into the wrong field
TRACE = "Traceback", "stackTrace", 'File "', ".py"


def role_of(workflow: Workflow, function: str) -> str:
    """Return the name of a function's role."""
    roles = workflow.aws.client("iam").get_paginator("list_roles").paginate()
    (name,) = (
        role["RoleName"] for page in roles for role in page["Roles"] if f"{function}FunctionRole" in role["RoleName"]
    )
    return str(name)


def logged(workflow: Workflow) -> str:
    """Return all that the functions have logged."""
    functions = workflow.aws.client("lambda").list_functions()["Functions"]
    return "\n".join(lambda_service.logs(functions[0]["FunctionName"])) if functions else ""


def result_text(execution: Execution) -> str:
    """Return error, cause and output of an execution."""
    return f"{execution.error} {execution.cause} {execution.output}"


def test_report_that_cannot_be_written(guarded: Workflow) -> None:
    """The list is attached, yet the execution fails: it does not claim what its report does not show."""
    (client,) = guarded.clients(1)
    faults.add("s3:PutObject", code="AccessDenied", times=100, role_name=role_of(guarded, "ReportRevocation"))
    execution = guarded.run(client)
    assert (execution.status, execution.error) == ("FAILED", "ReportNotWritten")
    assert "The report could not be written (AwsCallRefused)" in execution.cause
    assert "start a new execution with the same input" in execution.cause
    assert execution.report == {}
    assert client.serial in guarded.held()


def test_report_that_cannot_be_written_shows_no_stack_trace(guarded: Workflow) -> None:
    """Lambda returns its stack trace to the state machine, which does not pass it on."""
    (client,) = guarded.clients(1)
    faults.add("s3:PutObject", code="AccessDenied", times=100, role_name=role_of(guarded, "ReportRevocation"))
    execution = guarded.run(client)
    assert [sign for sign in TRACE if sign in result_text(execution)] == []


def test_requester_and_ticket_are_in_the_report_and_not_in_the_logs(guarded: Workflow) -> None:
    """The report is for the auditor; many more people read logs."""
    (client,) = guarded.clients(1)
    execution = guarded.run(client, RequestedBy=REQUESTER, Ticket=TICKET)
    assert (execution.report["RequestedBy"], execution.report["Ticket"]) == (REQUESTER, TICKET)
    logs = logged(guarded)
    assert execution.arn in logs  # they are those of this execution
    assert [secret for secret in (REQUESTER, TICKET) if secret in logs] == []


def test_requester_and_ticket_of_a_refused_request_are_not_logged(guarded: Workflow) -> None:
    """A refused field is named, not quoted: it may hold a person's name, or a secret in the wrong field."""
    execution = guarded.run("0a:0b", RequestedBy=REQUESTER * 20, Ticket=[TICKET], Token=TOKEN)
    assert execution.error == "InvalidInput"
    assert {"RequestedBy", "Ticket", "Token"} <= set(execution.cause.replace(":", " ").split())
    assert [secret for secret in (REQUESTER, TICKET, TOKEN) if secret in result_text(execution) + logged(guarded)] == []


def test_credentials_and_presigned_urls_are_not_logged(guarded: Workflow) -> None:
    """Logs and report hold neither a certificate, nor credentials, nor a URL that downloads a list."""
    (client,) = guarded.clients(1)
    execution = guarded.run(client)
    everything = result_text(execution) + logged(guarded) + str(execution.report)
    secrets = "-----BEGIN", "trust-store-content", "X-Amz-Signature", "AWS_SECRET", "aws_session_token"
    assert [secret for secret in secrets if secret in everything] == []


FAILING: dict[str, tuple[str, str]] = {
    "PrepareRevocation": ("acm-pca:DescribeCertificateAuthority", "AccessDenied"),
    "FindCrl": ("s3:GetObject", "AccessDenied"),
    "ConvertCrl": ("s3:PutObject", "AccessDenied"),
    "AttachCrl": ("elasticloadbalancing:AddTrustStoreRevocations", "AccessDenied"),
    "VerifyRevocation": ("elasticloadbalancing:GetTrustStoreRevocationContent", "AccessDenied"),
    "RemoveSupersededCrls": ("elasticloadbalancing:RemoveTrustStoreRevocations", "AccessDenied"),
}


@pytest.mark.parametrize("function", FAILING)
def test_step_that_is_denied_access_ends_in_a_report(guarded: Workflow, function: str) -> None:
    """Whichever step AWS denies access, the execution fails with our error, quotes AWS's, and shows no stack trace."""
    (client,) = guarded.clients(1)
    action, code = FAILING[function]
    faults.add(action, code=code, times=1000, role_name=role_of(guarded, function))
    execution = guarded.run(client)
    error = "RequestRefused" if function == "PrepareRevocation" else "AwsCallRefused"
    assert (execution.status, execution.error) == ("FAILED", error)
    assert action.split(":")[1] in execution.cause
    assert "AccessDenied" in execution.cause
    exposed = "Revoked at Private CA, and not enforced anywhere yet: 1 of 1 certificates" in execution.cause
    assert exposed is (function in ("FindCrl", "ConvertCrl"))
    assert [sign for sign in TRACE if sign in result_text(execution)] == []
    assert execution.report["Error"] == error
    serials = execution.report["Serials"]
    assert [each["Outcome"] for each in serials] == ([] if function == "PrepareRevocation" else ["REVOKED"])

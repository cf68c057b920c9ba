"""Each operation of the services that the embedded AWS realizes answers in the service's form, or is listed."""

import re
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from infra.local import server
from infra.local.server import EmbeddedAws
from tests.infra.local.core.operations import arguments

README = Path(server.__file__).with_name("README.md")
# moto fails where these requests lack something.
FAILS = {
    *("CreateChangeSet", "CreateRule", "DeleteChangeSet", "GetTemplateSummary", "ModifyListenerAttributes"),
    "TagResource",
}


def listed(service: str, operations: set[str]) -> set[str]:
    """Return the operations that the README lists as not implemented: those of the row, or all but those."""
    (row,) = re.findall(rf"^\| `{service}` \| (.*) \|$", README.read_text(), re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", row))
    return operations - named if row.startswith("all but") else named


@pytest.mark.parametrize("service", ["acm-pca", "cloudformation", "elbv2", "events", "lambda", "stepfunctions"])
def test_each_operation(aws: EmbeddedAws, service: str) -> None:
    """None answers in another form, which botocore cannot read, and none is missing silently."""
    client = aws.client(service)
    model, missing, failed, odd = client.meta.service_model, set(), set(), {}
    for name in model.operation_names:
        try:
            getattr(client, xform_name(name))(**arguments(model.operation_model(name)))
        except ClientError as error:
            status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
            if code == "NotImplemented":
                assert status == 501
                missing.add(name)
            elif status >= 500:
                failed.add(name)
            elif not re.fullmatch(r"[A-Z][A-Za-z.]+", code):
                odd[name] = code
    assert odd == {}
    assert failed <= FAILS
    assert missing == listed(service, set(model.operation_names))

"""Executions in one line each, whatever their input."""

import pytest

from infra.cli.summary import describe_input


@pytest.mark.parametrize(
    ("document", "description"),
    [
        ('{"Serials": ["1", "2"], "DryRun": true, "Ticket": "SEC-1"}', "DRY RUN, 2 serials, SEC-1"),
        ('{"Reconcile": true, "RequestedBy": "hourly\\nwatch"}', "reconcile, hourly watch"),
        ('{"Certificates": ["a"], "SerialList": {}}', "1 certificates, a list in S3"),
        ("{", "an input that is not JSON"),
        ("[" * 5_000 + "]" * 5_000, "an input that is not JSON"),
        ("[]", "an input that is not an object"),
    ],
)
def test_input_is_described(document: str, description: str) -> None:
    """What was wanted and by whom; an input that cannot be read is called so."""
    assert describe_input(document) == description

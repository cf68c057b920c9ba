"""The template's parameters are asked for, and checked before anything is deployed."""

import io

import pytest
from rich.console import Console
from rich.prompt import Prompt

from infra.deploy.parameters import ParameterRefused, ask_parameters, check_parameter
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws
from infra.template import load_template

PARAMETERS = load_template()["Parameters"]


def test_every_parameter_has_a_description() -> None:
    """The first run shows it; each default is a value that the template accepts."""
    for name, definition in PARAMETERS.items():
        assert definition["Description"].strip().endswith("."), name
        if "Default" in definition:
            check_parameter(name, str(definition["Default"]), definition)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CertificateAuthorityArn", "arn:aws:s3:::x", "must match"),
        ("DeadlineSeconds", "soon", "must be a whole number"),
        ("DeadlineSeconds", "0", "must be at least 1"),
        ("CertificateAuthorityArn", "", "must match"),
        ("ReconcileSchedule", "hourly", "must match"),
        ("CrlFolder", "crl\\ca", "must not contain a backslash"),
        ("AcceptNamesakes", "yes", "must be one of true, false"),
    ],
)
def test_value_that_the_template_refuses_is_refused_at_once(name: str, value: str, message: str) -> None:
    """The message has the constraint."""
    with pytest.raises(ParameterRefused, match=message):
        check_parameter(name, value, PARAMETERS[name])


def test_first_run_asks_and_lists_resources(shell: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parameter is shown, with the account's CAs and trust stores; after a wrong answer it asks again."""
    root, twin = PrivateCa.create_root(shell, "Root"), PrivateCa.create_root(shell, "Root")
    answers = iter(["nonsense", root.arn, create_trust_store(shell, "both", [root, twin])])
    monkeypatch.setattr(Prompt, "ask", lambda _name, default, **_: next(answers, default))
    shown = Console(file=io.StringIO(), width=200)
    parameters = ask_parameters(shown, shell.settings.region)
    assert isinstance(shown.file, io.StringIO)
    text = shown.file.getvalue()
    assert parameters["CertificateAuthorityArn"] == root.arn
    assert f"{root.arn} (ACTIVE)" in text
    assert "'nonsense', and must match" in text
    assert "/both/" in text.split("AcceptNamesakes: ")[1]
    assert "trusts CAs of one name, 'CN=Root,O=Embedded AWS', with different keys (serial number " in text
    assert all(name in text for name in PARAMETERS)
    assert parameters["GiveWaySeconds"] == "90"

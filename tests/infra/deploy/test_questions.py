"""The questions of a guided deployment: what is offered, what is refused at once, and what is fixed on the spot."""

import io
import json

import pytest
from rich.console import Console
from rich.prompt import Confirm, Prompt

from infra.deploy import parameters
from infra.deploy.account import Account
from infra.deploy.crl_configuration import read_ca, turn_on
from infra.deploy.questions import ask_parameters
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from infra.local.server import EmbeddedAws


def ask(
    monkeypatch: pytest.MonkeyPatch,
    account: Account,
    answers: dict[str, list[str]],
    *,
    present: dict[str, str] | None = None,
    confirm: bool = False,
) -> tuple[dict[str, str], str]:
    """Answer the questions, the others with Enter; return the parameters and what was shown."""
    monkeypatch.setattr(
        Prompt, "ask", lambda name, default, **_: answers[name].pop(0) if answers.get(name) else default
    )
    monkeypatch.setattr(Confirm, "ask", lambda *_, **__: confirm)
    shown = io.StringIO()
    asked = ask_parameters(Console(file=shown, width=200, force_terminal=True, no_color=True), account, present or {})
    return asked, shown.getvalue()


def test_first_deployment(shell: EmbeddedAws, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's CAs and trust stores are listed; each wrong answer is refused with its reason, and asked again."""
    root, twin = PrivateCa.create_root(shell, "Root"), PrivateCa.create_root(shell, "Root")
    both = create_trust_store(shell, "both", [root, twin])
    nowhere = both.replace("/both/", "/nowhere/")
    answers = {
        "CertificateAuthorityArn": ["nonsense", f"{root.arn[:-1]}x", root.arn],
        "TrustStoreArns": [nowhere, both],
        "CrlBucketName": ["nowhere", ""],
        "NotificationEmail": ["nobody", "a@b.example"],
    }
    asked, shown = ask(monkeypatch, account, answers)
    assert all(name in shown for name in asked)
    assert {name: asked[name] for name in ("CertificateAuthorityArn", "CrlBucketName", "NotificationEmail")} == {
        "CertificateAuthorityArn": root.arn,
        "CrlBucketName": "",
        "NotificationEmail": "a@b.example",
    }
    assert "GiveWaySeconds" not in asked  # the others were not asked for
    for expected in (
        f"{root.arn} (ROOT, ACTIVE)",
        "'nonsense', and must be the ARN of a CA",
        f"there is no CA {root.arn[:-1]}x",
        "TrustStoreArns: ",
        "s3://nowhere does not exist",
        "'nobody', and must be one mail address",
        "trusts CAs of one name, 'CN=Root,O=Embedded AWS', with different keys (serial number ",
    ):
        assert expected in shown
    assert asked["AcceptNamesakes"] == "false"


def test_trust_store_that_does_not_trust_the_ca(
    shell: EmbeddedAws, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown, as it may be changed later; namesakes are not asked about where there are none."""
    root, other = PrivateCa.create_root(shell, "Root"), PrivateCa.create_root(shell, "Other")
    store = create_trust_store(shell, "others", [other])
    asked, shown = ask(monkeypatch, account, {"CertificateAuthorityArn": [root.arn], "TrustStoreArns": [store]})
    assert f"the bundle of {store} holds neither the CA {root.arn} nor one it chains to" in shown
    assert "AcceptNamesakes" not in asked


def test_existing_crl_is_offered(shell: EmbeddedAws, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the CA writes its CRL already, and a fix of what the bucket lacks; all other parameters if wanted."""
    root, s3 = PrivateCa.create_root(shell, "Root"), shell.client("s3")
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": account.region})
    statement = {"Effect": "Allow", "Principal": {"Service": "acm-pca.amazonaws.com"}, "Action": "s3:*"}
    policy = {"Statement": [{**statement, "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"]}]}
    s3.put_bucket_policy(Bucket="mine", Policy=json.dumps(policy))
    turn_on(read_ca(root.arn), "mine", "lists")
    asked, shown = ask(monkeypatch, account, {"GiveWaySeconds": ["60", "120"]}, confirm=True)
    assert (asked["CertificateAuthorityArn"], asked["CrlBucketName"], asked["CrlFolder"]) == (root.arn, "mine", "lists")
    assert asked["GiveWaySeconds"] == "120"
    assert asked.keys() | {"AcceptNamesakes"} == parameters.definitions().keys()
    assert "must be more than PollIntervalSeconds, which is 60" in shown
    assert "is not versioned" in shown
    assert s3.get_bucket_versioning(Bucket="mine")["Status"] == "Enabled"


def test_present_values_are_offered(shell: EmbeddedAws, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second deployment offers the stack's own."""
    root = PrivateCa.create_root(shell, "Root")
    present = {"CertificateAuthorityArn": root.arn, "NotificationEmail": "a@b.example", "AcceptNamesakes": "true"}
    asked, shown = ask(monkeypatch, account, {}, present=present)
    assert present.items() <= asked.items()
    assert "AcceptNamesakes" in shown

"""Asks for the stack's parameters at a terminal, checks each answer as it is given, and offers what can be fixed."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.prompt import Confirm, Prompt

from infra.deploy import crl_bucket, crl_configuration, kms_key, parameters, trust_stores
from infra.deploy.account import Account
from infra.deploy.finding import Finding
from infra.deploy.parameters import ParameterRefused

if TYPE_CHECKING:
    from mypy_boto3_acm_pca.type_defs import CertificateAuthorityTypeDef

_UNKNOWN = "could not be checked"


def ask_parameters(console: Console, account: Account, present: Mapping[str, str]) -> dict[str, str]:
    """Ask for the parameters of the first group, and for the others if wanted; return those that were asked for.

    The value offered is the stack's present one, what the account suggests, or the template's default.
    """
    (_, first), *others = parameters.groups().items()
    answers = dict[str, str]()
    _ask(console, account, first, present, answers)
    count, values = sum(len(group) for _, group in others), "present values" if present else "defaults"
    if Confirm.ask(f"\nThe other {count} parameters have {values}. Change any?", console=console, default=False):
        for label, group in others:
            console.print(f"\n[bold]{label}[/]")
            _ask(console, account, group, present, answers)
    return answers


def _ask(
    console: Console,
    account: Account,
    definitions: Mapping[str, Any],
    present: Mapping[str, str],
    answers: dict[str, str],
) -> None:
    """Ask for some parameters, and add the answers to those given before."""
    for name, definition in definitions.items():
        choices = list(_choices(name, answers))
        if name == "AcceptNamesakes" and not choices and name not in present:
            continue  # nothing to accept
        console.print(f"\n[bold]{name}[/]: {definition['Description']}", soft_wrap=True)
        for choice in choices:
            console.print(f"  {choice}", soft_wrap=True, highlight=False)
        default = present.get(name) or suggest(name, answers) or definition.get("Default", ...)
        while name not in answers:
            value = str(Prompt.ask(name, console=console, default=default)).strip()
            try:
                parameters.check(name, value, account, {**present, **answers})
                findings = list(check_answer(name, {**answers, name: value}, account))
            except ParameterRefused as error:
                console.print(f"[red]{error}[/]", soft_wrap=True, highlight=False)
            else:
                show(console, findings)
                answers[name] = value


def suggest(name: str, answers: Mapping[str, str]) -> str:
    """Return what the account suggests for a parameter: its only issuing CA, and where this CA writes its CRL."""
    with contextlib.suppress(ClientError, BotoCoreError, ParameterRefused):
        if name == "CertificateAuthorityArn":
            usable = _authorities()
            issuing = [each for each in usable if each["Type"] == "SUBORDINATE"] or usable
            return issuing[0]["Arn"] if len(issuing) == 1 else ""
        if name in ("CrlBucketName", "CrlFolder"):
            ca = crl_configuration.read_ca(answers["CertificateAuthorityArn"])
            if name == "CrlBucketName":
                return ca.bucket or ""
            return ca.folder if ca.bucket == answers["CrlBucketName"] else ""
    return ""


def check_answer(name: str, answers: Mapping[str, str], account: Account) -> Iterator[Finding]:
    """Yield what AWS shows about a parameter's value, given those before it.

    Raises:
        ParameterRefused: the stack could not work with it.

    """
    try:
        arn, bucket = answers["CertificateAuthorityArn"], answers.get("CrlBucketName", "")
        if name == "CertificateAuthorityArn":
            crl_configuration.read_ca(arn)
        elif name == "TrustStoreArns":
            yield from trust_stores.find_problems(arn, answers[name])
        elif name == "CrlBucketName" and bucket:
            crl_bucket.check_place(bucket, account)
        elif name == "CrlFolder" and bucket:
            ca = crl_configuration.read_ca(arn)
            yield from crl_bucket.find_problems(ca, bucket, answers[name], account)
        elif name.endswith("KmsKeyArn") and answers[name]:
            kms_key.check_key(name, answers[name])
    except (ClientError, BotoCoreError) as error:
        yield Finding(f"{name} {_UNKNOWN}: {error}", "check it by hand")


def show(console: Console, findings: Iterable[Finding]) -> None:
    """Print findings; at a terminal, offer to fix those that can be."""
    for finding in findings:
        console.print(f"[yellow]{finding.text}[/]", soft_wrap=True, highlight=False)
        offered = finding.fix is not None and console.is_terminal
        if offered and Confirm.ask("Change this now?", console=console, default=finding.is_harmless):
            apply(console, finding)
        else:
            console.print(f"  What to do: {finding.what_to_do}", soft_wrap=True, highlight=False)


def apply(console: Console, finding: Finding) -> None:
    """Fix what was found, and print what changed."""
    outcome = finding.fix() if finding.fix else None
    console.print(outcome if isinstance(outcome, str) else "Changed.", soft_wrap=True, highlight=False)


def _choices(name: str, answers: Mapping[str, str]) -> Iterator[str]:
    """Yield what the account has that bears on a parameter; nothing without the permission to list it."""
    with contextlib.suppress(ClientError, BotoCoreError):
        if name == "AcceptNamesakes":
            yield from trust_stores.find_namesakes(answers["CertificateAuthorityArn"], answers["TrustStoreArns"])
        elif name == "CertificateAuthorityArn":
            yield from (f"{each['Arn']} ({each['Type']}, {each['Status']})" for each in _authorities())
        elif name == "TrustStoreArns":
            for store in boto3.client("elbv2").describe_trust_stores()["TrustStores"]:
                yield f"{store['TrustStoreArn']} ({store['Name']})"


def _authorities() -> "list[CertificateAuthorityTypeDef]":
    pages = boto3.client("acm-pca").get_paginator("list_certificate_authorities").paginate()
    every = [each for page in pages for each in page["CertificateAuthorities"]]
    return [each for each in every if each["Status"] in crl_configuration.USABLE]

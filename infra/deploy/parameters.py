"""Asks for the template's parameters at the first deployment, and checks them before CloudFormation does."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.prompt import Prompt

from infra.deploy.namesakes import find_namesakes
from infra.template import load_template


class ParameterRefused(Exception):
    """A parameter's value is not one that the template accepts."""


def check_parameter(name: str, value: str, definition: Mapping[str, Any]) -> str:
    """Return a parameter's value unchanged.

    Raises:
        ParameterRefused: the template does not accept it. The message has the value and the constraint.

    """
    pattern, minimum = definition.get("AllowedPattern"), definition.get("MinValue")
    if pattern and not re.search(pattern, value):
        raise ParameterRefused(f"{name} is {value!r}, and must match {pattern}")
    if (allowed := definition.get("AllowedValues")) and value not in allowed:
        raise ParameterRefused(f"{name} is {value!r}, and must be one of {', '.join(allowed)}")
    if definition["Type"] == "Number" and not re.fullmatch(r"\d+", value):
        raise ParameterRefused(f"{name} is {value!r}, and must be a whole number")
    if minimum is not None and int(value) < minimum:
        raise ParameterRefused(f"{name} is {value}, and must be at least {minimum}")
    if not value and "Default" not in definition:
        raise ParameterRefused(f"{name} is empty, and has no default")
    if "\\" in value:
        raise ParameterRefused(f"{name} is {value!r}, and must not contain a backslash: SAM reads it as an escape")
    return value


def ask_parameters(console: Console, region: str) -> dict[str, str]:
    """Ask for every parameter, showing its description, its default, and the account's resources to choose from."""
    answers: dict[str, str] = {}
    for name, definition in load_template()["Parameters"].items():
        console.print(f"\n[bold]{name}[/]: {definition['Description']}", soft_wrap=True)
        for choice in _choices(name, region, answers):
            console.print(f"  {choice}", soft_wrap=True, highlight=False)
        default = str(definition["Default"]) if "Default" in definition else ...
        while True:
            value = Prompt.ask(name, console=console, default=default)
            try:
                answers[name] = check_parameter(name, str(value).strip(), definition)
            except ParameterRefused as error:
                console.print(f"[red]{error}[/]")
            else:
                break
    return answers


def _choices(name: str, region: str, answers: Mapping[str, str]) -> list[str]:
    """List what the account has that bears on a parameter; nothing without the permission to list it."""
    if name == "AcceptNamesakes":
        return list(find_namesakes(answers["CertificateAuthorityArn"], answers["TrustStoreArns"], region))
    with contextlib.suppress(ClientError, BotoCoreError):
        if name == "CertificateAuthorityArn":
            pages = boto3.client("acm-pca", region_name=region).get_paginator("list_certificate_authorities").paginate()
            authorities = [authority for page in pages for authority in page["CertificateAuthorities"]]
            return [
                f"{each['Arn']} ({each['Status']})" for each in authorities if each["Status"] in ("ACTIVE", "DISABLED")
            ]
        if name == "TrustStoreArns":
            stores = boto3.client("elbv2", region_name=region).describe_trust_stores()["TrustStores"]
            return [f"{each['TrustStoreArn']} ({each['Name']})" for each in stores]
    return []

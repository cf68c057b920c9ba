"""Checks parameters before CloudFormation does: each against the template, then against the account and each other."""

import difflib
import functools
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from functions import limits
from infra.deploy.account import Account, Refused
from infra.template import load_template

_TRUST_STORE_ARN = re.compile(r"arn:([\w-]+):elasticloadbalancing:([\w-]+):(\d{12}):truststore/[\w-]+/[0-9a-f]+")
_MORE_THAN = {"GiveWaySeconds": "PollIntervalSeconds", "DeadlineSeconds": "PollIntervalSeconds"}


class ParameterRefused(Refused):
    """A parameter's value is not one that the template or the account accepts."""


@functools.cache
def groups() -> dict[str, dict[str, Any]]:
    """Return the definitions of the template's parameters, by the label of their group and their name."""
    template = load_template()
    listed = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    return {
        group["Label"]["default"]: {name: template["Parameters"][name] for name in group["Parameters"]}
        for group in listed
    }


def definitions() -> dict[str, Any]:
    """Return the definitions of all parameters, in the order of their groups."""
    return {name: definition for group in groups().values() for name, definition in group.items()}


def parse(text: str) -> dict[str, str]:
    """Read `Name=Value …`, in which quotes keep blanks together as in a shell.

    Raises:
        ParameterRefused: a quote is not closed, or something is not of this form.

    """
    try:
        pairs = [each.partition("=") for each in shlex.split(text)]
    except ValueError as error:
        raise ParameterRefused(f"PARAMETERS cannot be read: {error}") from None
    if wrong := next((name for name, equals, _ in pairs if not equals), None):
        raise ParameterRefused(
            f"PARAMETERS has {wrong!r}, wanted: Name=Value …, with quotes around a value that has blanks"
        )
    return {name: value for name, _, value in pairs}


def check_all(values: Mapping[str, str], account: Account) -> None:
    """Check every parameter of a stack; one that is absent has its default.

    Raises:
        ParameterRefused: one is unknown, missing or refused.

    """
    known = definitions()
    if unknown := sorted(values.keys() - known.keys()):
        similar = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {similar[0]}?" if similar else "infra/README.md lists those that there are"
        raise ParameterRefused(f"the template has no parameter {', '.join(unknown)}: {hint}")
    if missing := sorted(name for name in known if name not in values and "Default" not in known[name]):
        raise ParameterRefused(f'{", ".join(missing)} must be given: PARAMETERS="{missing[0]}=…"')
    for name, value in values.items():
        check(name, value, account, values)
    for larger, smaller in _MORE_THAN.items():
        _check_pair(larger, smaller, values)


def check(name: str, value: str, account: Account, others: Mapping[str, str]) -> None:
    """Check one parameter, given the others of the stack.

    Raises:
        ParameterRefused: the template or the account does not accept it. The message has the value and the constraint.

    """
    definition = definitions()[name]
    if not value and "Default" not in definition:
        raise ParameterRefused(f"{name} is empty, and has no default")
    for constraint in _violated(value, definition):
        raise ParameterRefused(f"{name} is {value!r}, and must {constraint}")
    for arn in _arns(name, value):
        _check_arn(name, arn, account)
    if name in _MORE_THAN:
        _check_pair(name, _MORE_THAN[name], {**others, name: value})


def _violated(value: str, definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield the template's constraints that a value violates; a later one may need that an earlier one holds."""
    if (pattern := definition.get("AllowedPattern")) and not re.search(pattern, value):
        yield f"be {definition['ConstraintDescription']}"
    if (allowed := [str(each) for each in definition.get("AllowedValues", [])]) and value not in allowed:
        yield f"be one of {', '.join(allowed)}"
    if definition["Type"] == "Number":
        if not re.fullmatch(r"[0-9]{1,9}", value):
            yield "be a whole number"
        if int(value) < definition.get("MinValue", 0):
            yield f"be at least {definition['MinValue']}"
        if int(value) > definition.get("MaxValue", int(value)):
            yield f"be at most {definition['MaxValue']}"
    if "\\" in value:
        yield "not contain a backslash, which SAM reads as an escape"


def _check_pair(larger: str, smaller: str, values: Mapping[str, str]) -> None:
    one, other = (int(values.get(name, definitions()[name]["Default"])) for name in (larger, smaller))
    if one <= other:
        raise ParameterRefused(f"{larger} is {one}, and must be more than {smaller}, which is {other}")
    if larger == "DeadlineSeconds" and one > other * limits.MAX_POLLS:
        raise ParameterRefused(
            f"{larger} is {one}, which is more than {limits.MAX_POLLS} polls at {smaller} {other}: all executions "
            "would be refused"
        )


def _arns(name: str, value: str) -> list[str]:
    if name == "TrustStoreArns":
        return value.split(",") if value else []
    return [value] if name.endswith("Arn") and value else []


def _check_arn(name: str, arn: str, account: Account) -> None:
    """Refuse an ARN of elsewhere: events, alarms and the bucket's policy are those of one account and Region."""
    if name == "TrustStoreArns" and not _TRUST_STORE_ARN.fullmatch(arn):
        raise ParameterRefused(
            f"{name} has {arn!r}, wanted: arn:{account.partition}:elasticloadbalancing:{account.region}:"
            f"{account.account_id}:truststore/NAME/ID, several between commas without blanks"
        )
    _, partition, _, region, account_id, _ = arn.split(":", 5)
    if (partition, region, account_id) != (account.partition, account.region, account.account_id):
        raise ParameterRefused(
            f"{name} has {arn}, of account {account_id} in {region}. A stack serves the account and Region that it is "
            f"deployed to, {account.account_id} in {account.region}: deploy it there (REGION=…, AWS_PROFILE=…)"
        )

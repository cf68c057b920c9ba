"""Every command refuses an option that takes one value if it is given twice."""

import click
import pytest
from click.testing import CliRunner

from infra.cli.commands import cli
from infra.cli.stack import UNUSABLE


def single_valued() -> list[tuple[str, str]]:
    """List each command's options that take one value; "" is the group itself."""
    return [
        (name, max(option.opts, key=len))
        for name, command in [("", cli), *cli.commands.items()]
        for option in command.params
        if isinstance(option, click.Option) and not option.is_flag and not option.multiple
    ]


@pytest.mark.parametrize(("command", "option"), single_valued())
def test_an_option_given_twice_is_refused(command: str, option: str) -> None:
    """The first value would be dropped silently; the command is refused, and nothing is done."""
    arguments = [*([command] if command else []), option, "a", option, "b"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == UNUSABLE
    assert f"{option} is given 2 times" in result.output


def test_short_and_long_form_are_one_option() -> None:
    """The message names the long form."""
    result = CliRunner().invoke(cli, ["plan", "-l", "a", "--list", "b"])
    assert result.exit_code == UNUSABLE
    assert "--list is given 2 times" in result.output


def test_repeatable_options_and_flags_are_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command gets as far as the endpoint, which is refused later."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:9")
    result = CliRunner().invoke(cli, ["plan", "-c", "a", "-c", "b", "--reconcile", "--reconcile"])
    assert "write http://127.0.0.1:9" in result.output


def test_the_options_that_dropped_a_value_are_covered() -> None:
    """These three once dropped a value, with exit code 0."""
    assert {("start", "--list"), ("start", "--crl"), ("start", "--reason")} <= set(single_valued())

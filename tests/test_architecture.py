"""The rooms keep their doors: who may import whom, and that the tree of errors is the one that is shown."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions import errors

FOLDER = Path(errors.__file__).parent
MODULES = {
    ".".join(path.relative_to(FOLDER).with_suffix("").parts): ast.parse(path.read_text())
    for path in sorted(FOLDER.rglob("*.py"))
    if path.stem != "__init__"
}
CALLING = {"aws.client", "aws.acm_pca", "aws.elbv2", "aws.events", "aws.s3", "aws.sns", "aws.stepfunctions"}
# A verb is a Lambda: its name says what it does, and a state of the machine has the same.
VERBS = {
    "prepare_revocation",
    "plan_revocation",
    "revoke_certificate",
    "revoke_batch",
    "find_crl",
    "convert_crl",
    "attach_crl",
    "verify_revocation",
    "remove_superseded_crls",
    "report_revocation",
    "detect_drift",
    "notify_waiting",
    "notify_outcome",
    "report_crl_failure",  # started by an event, no state
    "report_interruption",  # likewise
}
ERRORS: dict[str, type[errors.RevocationError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.RevocationError)
}


def imports(tree: ast.Module) -> Iterator[str]:
    """Give the modules that a module imports, wherever it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names(tree: ast.Module) -> set[str]:
    """Give the names that a module uses, alone or behind a dot."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return found | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("module", MODULES)
def test_verbs_are_imported_by_nobody(module: str) -> None:
    """A noun is shared, a verb is a Lambda of its own."""
    assert not {f"functions.handlers.{verb}" for verb in VERBS - {module.rpartition(".")[2]}} & set(
        imports(MODULES[module])
    )


@pytest.mark.parametrize("module", MODULES)
def test_code_cannot_tell_which_aws_it_is_on(module: str) -> None:
    """Neither the embedded AWS nor moto nor a test is ever imported."""
    roots = {name.partition(".")[0] for name in imports(MODULES[module])}
    assert not roots & {"infra", "moto", "tests"}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - CALLING))
def test_boto3_is_called_in_one_place(module: str) -> None:
    """Every call of AWS, and every error code of it, is in the module of its service."""
    roots = {name.partition(".")[0] for name in imports(MODULES[module])}
    assert not roots & {"boto3", "botocore", "urllib3"}


@pytest.mark.parametrize("module", MODULES)
def test_no_broad_except(module: str) -> None:
    """An error that nobody foresaw is not caught."""
    caught = [node.type for node in ast.walk(MODULES[module]) if isinstance(node, ast.ExceptHandler)]
    assert None not in caught
    assert not {"Exception", "BaseException"} & {each.id for each in caught if isinstance(each, ast.Name)}


def test_every_verb_has_a_handler() -> None:
    """Each is a Lambda, and no noun is."""
    assert {name for name in MODULES if hasattr(importlib.import_module(f"functions.{name}"), "handler")} == {
        f"handlers.{verb}" for verb in VERBS
    }


def test_every_error_has_a_use() -> None:
    """A class is raised or named by some step, or is the base of one that is."""
    used = set().union(*(names(tree) for module, tree in MODULES.items() if module != "errors"))
    bases = {base.__name__ for kind in ERRORS.values() for base in kind.__mro__[1:]}
    assert ERRORS.keys() - used - bases == set()


def test_tree_of_errors_is_the_one_shown() -> None:
    """The docstring of errors.py names exactly its classes, each under its base."""
    shown: dict[str, str] = {}
    base = "RevocationError"
    for line in str(errors.__doc__).splitlines()[2:]:
        depth, text = re.match(r"([│├└─ ]*)(.*)", line).groups()  # type: ignore[union-attr] # it matches any line
        found = re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", text.partition("   ")[0] + " " + text.rpartition("…")[2])
        for name in found:
            shown[name] = "Exception" if not depth else "RevocationError" if len(depth) <= 4 else base
        if len(depth) <= 4 and found:
            base = found[0]
    assert shown == {name: kind.__base__.__name__ for name, kind in ERRORS.items() if kind.__base__}


def test_every_error_says_what_to_do() -> None:
    """Each error says what to do about it, for the report."""
    assert all(kind.what_to_do.endswith(".") and kind.__doc__ for kind in ERRORS.values())

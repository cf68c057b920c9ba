"""Rules of the rooms that import-linter cannot check: names, sizes, the place of each test, the tree of errors."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions import errors

ROOT = Path(__file__).parents[1]
MODULES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
    for room in ("functions", "infra", "tests")
    for path in sorted((ROOT / room).rglob("*.py"))
}
FUNCTIONS = {path: tree for path, tree in MODULES.items() if path.startswith("functions/") and "__init__" not in path}
HANDLERS = [path for path in FUNCTIONS if path.startswith("functions/handlers/")]
TESTS = [path for path in MODULES if Path(path).name.startswith("test_")]
FOLDERS = sorted({Path(path).parent.as_posix() for path in MODULES})
ERRORS: dict[str, type[errors.RevocationError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.RevocationError)
}

MOST_MODULES, MOST_LINES = 15, 300
# Tests of more than one module, and why.
TESTS_WITHOUT_MODULE = {
    "tests/test_architecture.py": "the rules of all rooms",
    "tests/test_end_to_end.py": "the whole product, on the embedded AWS or a real account",
    "tests/functions/handlers/test_interleavings.py": "several handlers that run at the same time",
    "tests/functions/models/test_models.py": "every document of the room",
}
# tests/statemachine tests revocation.asl.json, which is not a module, and the workflow as a whole.
FOLDERS_WITHOUT_MODULES = ("tests/statemachine/",)


def imports(tree: ast.Module) -> Iterator[str]:
    """Return the modules that a module imports, at the top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names(tree: ast.Module) -> set[str]:
    """Return the names that a module uses, alone or behind a dot."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return used | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def modules_of(test: str) -> Iterator[str]:
    """Return the modules that a test module may be named for: `test_x_aspect.py` for `x_aspect.py` or `x.py`."""
    room = Path(test).parent.relative_to("tests")
    words = Path(test).stem.split("_")[1:]
    for count in range(len(words), 0, -1):
        yield (room / f"{'_'.join(words[:count])}.py").as_posix()


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_fits_on_a_screen(folder: str) -> None:
    """A folder holds at most 15 modules; functions/handlers and its tests have one for each Lambda function."""
    modules = [path for path in MODULES if Path(path).parent.as_posix() == folder and Path(path).name != "__init__.py"]
    assert len(modules) <= MOST_MODULES or folder.endswith("functions/handlers")


@pytest.mark.parametrize("module", MODULES)
def test_module_has_one_subject(module: str) -> None:
    """A file with more than 300 lines has two subjects."""
    assert len((ROOT / module).read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("folder", FOLDERS)
def test_room_says_what_it_is_for(folder: str) -> None:
    """The `__init__.py` of each folder has a docstring and nothing else."""
    body = MODULES[f"{folder}/__init__.py"].body
    assert [type(node) for node in body] == [ast.Expr]
    assert ast.get_docstring(MODULES[f"{folder}/__init__.py"])


@pytest.mark.parametrize("test", TESTS)
def test_test_module_mirrors_a_module(test: str) -> None:
    """tests/<room>/test_x.py or test_x_<aspect>.py tests <room>/x.py."""
    if test in TESTS_WITHOUT_MODULE or test.startswith(FOLDERS_WITHOUT_MODULES):
        return
    assert MODULES.keys() & set(modules_of(test))


def test_every_exception_of_the_mirror_is_needed() -> None:
    """A test module that is gone or has its module again does not stay in the list."""
    assert TESTS_WITHOUT_MODULE.keys() <= set(TESTS)
    assert not [test for test in TESTS_WITHOUT_MODULE if MODULES.keys() & set(modules_of(test))]


@pytest.mark.parametrize("module", [path for path in MODULES if path.startswith("tests/")])
def test_no_module_imports_a_test_module(module: str) -> None:
    """What tests share is in tests/support, or in a module of their folder that is not a test module."""
    assert not [name for name in imports(MODULES[module]) if re.match(r"tests\.(\w+\.)*test_", name)]


@pytest.mark.parametrize("module", FUNCTIONS)
def test_no_broad_except(module: str) -> None:
    """Only expected errors are caught."""
    caught = [node.type for node in ast.walk(FUNCTIONS[module]) if isinstance(node, ast.ExceptHandler)]
    assert None not in caught
    assert not {"Exception", "BaseException"} & {
        each.id for kind in caught if kind for each in ast.walk(kind) if isinstance(each, ast.Name)
    }


def test_handlers_are_the_modules_with_a_handler() -> None:
    """Each module of functions/handlers has a `handler` and a function of its own name; no other module has one."""
    dotted = {path: path.removesuffix(".py").replace("/", ".") for path in FUNCTIONS}
    assert [path for path, name in dotted.items() if hasattr(importlib.import_module(name), "handler")] == HANDLERS
    for path in HANDLERS:
        assert hasattr(importlib.import_module(dotted[path]), Path(path).stem)


def test_every_error_has_a_use() -> None:
    """A class is raised or named by some step, or is the base of one that is."""
    used = set().union(*(names(tree) for path, tree in FUNCTIONS.items() if path != "functions/errors.py"))
    bases = {base.__name__ for kind in ERRORS.values() for base in kind.__mro__[1:]}
    assert ERRORS.keys() - used - bases == set()


def test_tree_of_errors_is_the_one_shown() -> None:
    """The docstring of errors.py names exactly its classes, each under its base."""
    shown: dict[str, str] = {}
    base = "RevocationError"
    for line in str(errors.__doc__).splitlines()[2:]:
        depth, text = re.match(r"([│├└─ ]*)(.*)", line).groups()  # type: ignore[union-attr] # it matches any line
        listed = re.findall(
            r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", text.partition("   ")[0] + " " + text.rpartition("…")[2]
        )
        for name in listed:
            shown[name] = "Exception" if not depth else "RevocationError" if len(depth) <= 4 else base
        if len(depth) <= 4 and listed:
            base = listed[0]
    assert shown == {name: kind.__base__.__name__ for name, kind in ERRORS.items() if kind.__base__}


def test_every_error_says_what_to_do() -> None:
    """Each error says what to do about it, for the report."""
    assert all(kind.what_to_do.endswith(".") and kind.__doc__ for kind in ERRORS.values())

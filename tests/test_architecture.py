"""Rules of the rooms that import-linter cannot check: names, sizes, the place of each test, the tree of errors."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

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

MAX_MODULES, MAX_LINES = 15, 300
# Tests of more than one module, and why.
TESTS_WITHOUT_MODULE = {
    "tests/test_architecture.py": "the rules of all rooms",
    "tests/test_end_to_end.py": "the whole product, on the embedded AWS or a real account",
    "tests/functions/interleavings/test_interleavings.py": "several handlers that run at the same time",
    "tests/functions/test_direct_calls.py": "calls without HTTP, which other tests make, beside those over HTTP",
}
# tests/statemachine tests revocation.asl.json, which is not a module, and the workflow as a whole.
FOLDERS_WITHOUT_MODULES = ("tests/statemachine/",)


def imports(path: str, tree: ast.Module | None = None) -> Iterator[str]:
    """Return the full names of what a module imports, at the top or inside a function."""
    for node in ast.walk(tree or MODULES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.split("/")[: -node.level] if node.level else []
            module = ".".join([*package, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def names(tree: ast.AST) -> set[str]:
    """Return the names that code uses, alone or behind a dot."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return used | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def modules_of(test: str) -> Iterator[str]:
    """Return the modules that a test module may be named for: `test_x_aspect.py` for `x_aspect.py` or `x.py`."""
    room = Path(test).parent.relative_to("tests")
    words = Path(test).stem.split("_")[1:]
    for count in range(len(words), 0, -1):
        yield (room / f"{'_'.join(words[:count])}.py").as_posix()


def test_folders_fit_on_a_screen() -> None:
    """A folder holds at most 15 modules."""
    modules = Counter(Path(path).parent.as_posix() for path in MODULES if Path(path).name != "__init__.py")
    offenders = {name: count for name, count in modules.items() if count > MAX_MODULES}
    assert offenders == {}


def test_modules_have_one_subject() -> None:
    """A file with more than 300 lines has two subjects."""
    lines = {path: len((ROOT / path).read_text().splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_rooms_say_what_they_are_for() -> None:
    """The `__init__.py` of each folder has a docstring and nothing else."""
    inits = {f"{folder}/__init__.py": MODULES.get(f"{folder}/__init__.py", ast.parse("")) for folder in FOLDERS}
    offenders = [path for path, init in inits.items() if len(init.body) != 1 or not ast.get_docstring(init)]
    assert offenders == []


def test_test_modules_mirror_modules() -> None:
    """tests/<room>/test_x.py or test_x_<aspect>.py tests <room>/x.py."""
    mirrors = [test for test in TESTS if not test.startswith(FOLDERS_WITHOUT_MODULES)]
    offenders = {test for test in mirrors if not MODULES.keys() & set(modules_of(test))}
    assert offenders == TESTS_WITHOUT_MODULE.keys()


def test_no_module_imports_a_test_module() -> None:
    """What tests share is in tests/support, or in a module of their folder that is not a test module."""
    imported = {path: list(imports(path)) for path in MODULES if path.startswith("tests/")}
    assert "tests.support.services" in imported["tests/support/private_ca.py"]
    offenders = [
        f"{path}: {name}"
        for path, imported_names in imported.items()
        for name in imported_names
        if re.match(r"tests\.(.+\.)?test_", name)
    ]
    assert offenders == []


def test_pure_tests_start_without_aws() -> None:
    """Tests of rooms without AWS import neither boto3 nor the embedded AWS, and start in a second."""
    pure = [path for path in TESTS if path.startswith(("tests/functions/pki/", "tests/functions/models/"))]
    modules = [path.removesuffix(".py").replace("/", ".") for path in ("tests/functions/conftest.py", *pure)]
    program = f"import sys, {', '.join(modules)}\nprint(*{{'boto3', 'moto', 'infra.local'}} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_imports_are_resolved() -> None:
    """A relative import is an import of a test module too."""
    tree = ast.parse("from . import test_a\nfrom .test_b import x\nfrom ..pki import test_c\nimport tests.d.test_e")
    names = set(imports("tests/functions/aws/test_s3.py", tree))
    assert {"tests.functions.aws.test_a", "tests.functions.aws.test_b"} <= names
    assert {"tests.functions.pki.test_c", "tests.d.test_e"} <= names


def test_no_broad_except() -> None:
    """Only expected errors are caught; a panic in cryptography is a BaseException, which one place catches by name."""
    offenders = [
        path
        for path, tree in FUNCTIONS.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & names(node.type))
    ]
    assert offenders == ["functions/pki/unreadable.py"]


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

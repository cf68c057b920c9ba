"""Builds what is deployed: the functions' zip, and the layer both for Lambda and for this machine.

    build/functions.zip     the functions/ folder, as the package `functions`
    build/layer-arm64.zip   cryptography and pydantic for AWS (`make_layer`, unpacked in build/layer-arm64/)
    build/layer-host.zip    the same recipe for this machine's own Python: the embedded AWS runs it
    build/runtime/          what AWS's managed runtime contains: awslambdaric and boto3

An artefact is built again only when its inputs have changed.
"""

import compileall
import fcntl
import hashlib
import json
import os
import platform
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

# The runtime that infra/template.yaml names: python3.13, which is Amazon Linux 2023 and so glibc 2.34.
TARGET_PYTHON = (3, 13)
TARGET_PLATFORM = "aarch64-manylinux_2_34"

# Lambda's own limits are 250 MB unzipped and, for a direct upload, 50 MB zipped; these catch unexpected growth.
LAYER_BYTES = 32_000_000
LAYER_ZIP_BYTES = 12_000_000
FUNCTIONS_ZIP_BYTES = 200_000

ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time in a zip: equal inputs give equal bytes


class BuildError(Exception):
    """Base of the errors that stop a build."""


class UvMissing(BuildError):
    """Neither the PATH nor .tools/bin has uv."""


class InstallFailed(BuildError):
    """`uv` could not install the locked packages."""


class TooLarge(BuildError):
    """An artefact exceeds its bound."""


@dataclass(frozen=True)
class Layer:
    """A layer: the Python that it is for, and the arguments that have uv choose wheels for its platform."""

    python: tuple[int, int]
    uv_arguments: tuple[str, ...] = ()


# What AWS runs, and what the embedded AWS runs: this machine, this Python.
ARM64_LAYER = Layer(
    TARGET_PYTHON,
    ("--python-platform", TARGET_PLATFORM, "--python-version", ".".join(map(str, TARGET_PYTHON))),
)
HOST_LAYER = Layer(sys.version_info[:2])


def install(requirements: Path, target: Path, *arguments: str) -> None:
    """Install locked wheels into a folder.

    Raises:
        UvMissing: there is no uv.
        InstallFailed: uv refuses; the message has its output.

    """
    uv = shutil.which("uv") or shutil.which("uv", path=ROOT / ".tools/bin")
    if uv is None:
        raise UvMissing("uv is neither on the PATH nor in .tools/bin; `make build` installs it")
    # Copies, not links: stripping must not change uv's cache.
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
    command = [uv, "pip", "install", *options, "--python", sys.executable, "--target", os.fspath(target)]
    command += [*arguments, "--requirement", os.fspath(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise InstallFailed(f"{requirements.name} into {target.name}: {result.stderr.strip()}")


def check_size(artefact: Path, size: int, bound: int) -> None:
    """Check an artefact's size.

    Raises:
        TooLarge: it exceeds its bound.

    """
    if size > bound:
        raise TooLarge(f"{artefact.name} has {size:,} bytes, more than its limit of {bound:,}")


def strip(folder: Path) -> None:
    """Remove files that are not used on Lambda; licences and metadata stay.

    cryptography loads only cffi's shared library, never its Python files, nor pycparser, which those import.
    """
    for name in ("bin", "cffi", "pycparser"):
        shutil.rmtree(folder / name)
    for pattern in ("pycparser-*", "**/tests", "**/__pycache__"):
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path)
    for path in [*folder.rglob("*.pyi"), *folder.rglob("py.typed"), *folder.glob("*.dist-info/*")]:
        if path.is_file() and path.name not in {"METADATA", "WHEEL", "LICENSE"}:
            path.unlink()


def compile_modules(layer: Layer, folder: Path) -> None:
    """Compile to .pyc, which Lambda cannot keep between cold starts (/opt is read-only): twice as slow without.

    Only where this Python is the layer's own minor version: no other can read the result. Unchecked hashes,
    because Python would otherwise compare times that a zip does not keep.
    """
    if layer.python == sys.version_info[:2]:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(folder, quiet=1, stripdir=folder, prependdir="/opt", invalidation_mode=mode)


def write_zip(target: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Write a zip whose bytes depend only on names and contents."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(files):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def files_below(folder: Path, *, inside: str = "") -> list[tuple[str, Path]]:
    """List the files below a folder, each with its name inside a zip."""
    return [
        (inside + path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*")) if path.is_file()
    ]


def function_files() -> list[tuple[str, Path]]:
    """List the source files of the Lambda functions."""
    return [(name, path) for name, path in files_below(ROOT / "functions", inside="functions/") if path.suffix == ".py"]


def make_functions(target: Path) -> None:
    """Zip the functions."""
    write_zip(target, function_files())
    check_size(target, target.stat().st_size, FUNCTIONS_ZIP_BYTES)


def make_layer(layer: Layer, target: Path) -> None:
    """Install, strip and compile one layer, and zip it."""
    folder = target.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    packages = folder / "python"
    install(ROOT / "requirements-layer.txt", packages, *layer.uv_arguments)
    strip(packages)
    compile_modules(layer, folder)
    write_zip(target, files_below(folder))
    check_size(folder, sum(path.stat().st_size for _, path in files_below(folder)), LAYER_BYTES)
    check_size(target, target.stat().st_size, LAYER_ZIP_BYTES)


def make_runtime(target: Path) -> None:
    """Install what the managed runtime contains, for the embedded AWS's function processes."""
    shutil.rmtree(target, ignore_errors=True)
    install(ROOT / "requirements-runtime.txt", target, "--compile-bytecode")


def digest(*parts: str | bytes, files: Iterable[tuple[str, Path]] = ()) -> str:
    """Return one hash over texts and files, names included."""
    total = hashlib.sha256()
    for name, path in files:
        parts = (*parts, name, path.read_bytes())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()


def build(into: Path = BUILD) -> list[str]:
    """Build what has changed; return the names of what was built."""
    recipe = digest(Path(__file__).read_bytes(), sys.version, sys.executable, platform.platform(), os.fspath(into))
    layer_inputs = digest(recipe, (ROOT / "requirements-layer.txt").read_bytes())
    runtime_inputs = digest(recipe, (ROOT / "requirements-runtime.txt").read_bytes())
    artefacts: dict[str, tuple[str, Callable[[Path], None]]] = {
        "functions.zip": (digest(recipe, files=function_files()), make_functions),
        "layer-host.zip": (layer_inputs, lambda target: make_layer(HOST_LAYER, target)),
        "layer-arm64.zip": (layer_inputs, lambda target: make_layer(ARM64_LAYER, target)),
        "runtime": (runtime_inputs, make_runtime),
    }
    into.mkdir(parents=True, exist_ok=True)
    stamps, built = into / "inputs.json", []
    with (into / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes that start together build once
        known = json.loads(stamps.read_text()) if stamps.exists() else {}
        for name, (inputs, make) in artefacts.items():
            if known.get(name) == inputs and (into / name).exists():
                continue
            stamps.write_text(json.dumps(known | {name: "unfinished"}, indent=2) + "\n")
            make(into / name)
            known[name] = inputs
            stamps.write_text(json.dumps(known, indent=2) + "\n")
            built.append(name)
    return built


def main() -> None:
    """Build, and print the name of each artefact that was built."""
    try:
        built = build()
    except BuildError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    for name in built:
        print(f"build/{name}")


if __name__ == "__main__":
    main()

"""Artefacts fit the platform they are for, are small, and are the same each time."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import build

TRY = """
import datetime, sys
import pydantic
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
now = datetime.datetime(2030, 1, 1)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
builder = x509.CertificateRevocationListBuilder(name, now, now)
crl = x509.load_der_x509_crl(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
assert crl.is_signature_valid(key.public_key())
class Model(pydantic.BaseModel): field: int
assert Model(field=1).field == 1
assert not [path for path in sys.path if "site-packages" in path]
"""


@pytest.fixture(scope="module")
def built() -> Path:
    """Return the build folder, with everything in it."""
    build.build()
    return build.BUILD


def test_nothing_is_built_twice(built: Path) -> None:
    """As long as no input changes, `make build` only compares hashes."""
    del built
    assert build.build() == []


def test_the_functions_zip_holds_the_package(built: Path) -> None:
    """Handlers are found as functions.handlers.<name>.handler, and nothing but source is inside."""
    with zipfile.ZipFile(built / "functions.zip") as archive:
        names = archive.namelist()
    assert "functions/__init__.py" in names
    assert all(name.startswith("functions/") and name.endswith(".py") for name in names)


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    """Neither the time nor a file's own dates change the zip, so a deployment without changes changes nothing."""
    digests = []
    for name in ("one.zip", "two.zip"):
        build.make_functions(tmp_path / name)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
        os.utime(build.ROOT / "functions" / "__init__.py")
    assert len(set(digests)) == 1


def test_the_host_layer_is_enough_for_a_bare_python(built: Path) -> None:
    """CRLs are parsed and verified, and models built, with what the stripped layer has and nothing else."""
    interpreter = getattr(sys, "_base_executable", sys.executable)
    environment = {"PYTHONPATH": os.fspath(built / "layer-host/python")}
    subprocess.run([interpreter, "-S", "-c", TRY], env=environment, check=True)


@pytest.mark.parametrize(("name", "machine"), [("layer-arm64", "aarch64"), ("layer-host", platform.machine())])
def test_a_layer_is_for_its_machine(built: Path, name: str, machine: str) -> None:
    """Both layers hold the same packages, each with libraries of its own machine, and no more than is needed."""
    packages = built / name / "python"
    libraries = list(packages.rglob("*.so"))
    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert (header[:4], header[18]) == (b"\x7fELF", {"aarch64": 0xB7, "x86_64": 0x3E}[machine]), library
    with zipfile.ZipFile(built / f"{name}.zip") as archive:
        names = archive.namelist()
    assert all(each.startswith("python/") for each in names)
    assert {each.split("/")[1] for each in names} >= {"cryptography", "pydantic", "pydantic_core"}
    assert not [each for each in names if "pycparser" in each or each.endswith(".pyi")]
    assert [each for each in names if each.endswith("licenses/LICENSE")]


def test_byte_code_is_there_when_this_python_can_write_it(built: Path) -> None:
    """The host's layer always has it; Lambda's only when built with Lambda's own Python version."""
    assert list((built / "layer-host").rglob("*.pyc"))
    assert bool(list((built / "layer-arm64").rglob("*.pyc"))) == (sys.version_info[:2] == build.TARGET_PYTHON)


def test_artefact_above_its_limit_is_refused(tmp_path: Path) -> None:
    """The message has both figures."""
    with pytest.raises(build.TooLarge, match="has 11 bytes, more than its limit of 10"):
        build.check_size(tmp_path / "some.zip", 11, 10)


def test_the_bounds_are_far_below_those_of_lambda() -> None:
    """250 MB unzipped for code and layers together, 50 MB for a zip that is uploaded directly."""
    assert build.LAYER_BYTES < 250_000_000 / 4
    assert build.LAYER_ZIP_BYTES < 50_000_000 / 3


def test_missing_uv_error_names_make_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`make build` installs it."""
    monkeypatch.setattr(shutil, "which", lambda *_args, **_more: None)
    with pytest.raises(build.UvMissing, match="make build"):
        build.install(tmp_path / "requirements.txt", tmp_path)


def test_a_hash_that_does_not_match_stops_the_build(built: Path, tmp_path: Path) -> None:
    """A package that is not the locked one is not installed."""
    del built
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"typing-extensions==4.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(build.InstallFailed, match=r"requirements\.txt into target"):
        build.install(requirements, tmp_path / "target")


def test_failed_build_is_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The next `make build` tries again, also when the failing step left its file behind."""
    monkeypatch.setattr(build, "make_layer", lambda _layer, target: target.write_bytes(b""))
    monkeypatch.setattr(build, "make_runtime", Path.mkdir)
    monkeypatch.setattr(build, "FUNCTIONS_ZIP_BYTES", 10)
    with pytest.raises(build.TooLarge):
        build.build(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(build, "make_layer", lambda _layer, target: target.write_bytes(b""))
    monkeypatch.setattr(build, "make_runtime", Path.mkdir)
    assert "functions.zip" in build.build(tmp_path)

"""Measures converting and checking the largest CRL that a trust store accepts, and fails if a bar is missed.

Each run is a fresh process, and the two sides of a comparison take turns, so that a busy machine slows both. This
process stays small, because the kernel never reports less memory for a child than its parent had.
"""

import filecmp
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ENTRIES = 500_000
WANTED = 5_000
ROUNDS = 7

# The programs that are compared, as they would be typed.
PREPARE = f"""
from pathlib import Path
from tests.support import der_crl, pki
authority = pki.certificate_authority()
serials = der_crl.random_serials({ENTRIES})
Path("ca.pem").write_bytes(authority.certificate_pem)
Path("crl.der").write_bytes(der_crl.large_crl(authority, serials))
Path("wanted").write_text(" ".join(map(str, serials[::{ENTRIES // WANTED}])))
"""

CONVERT = """
from pathlib import Path
from functions.pki.crl_pem import write_pem
with open("ours.pem", "wb") as sink:
    write_pem(Path("crl.der").read_bytes(), sink)
"""

CHECK_AND_CONVERT = """
import time
from datetime import UTC, datetime
from pathlib import Path
from cryptography import x509
from functions.pki import crl, crl_checks
from functions.pki.crl_pem import write_pem
wanted = [int(serial) for serial in Path("wanted").read_text().split()]
issuer = x509.load_pem_x509_certificate(Path("ca.pem").read_bytes())

start = time.perf_counter()
found = crl.read(Path("crl.der").read_bytes(), wanted=wanted)
crl_checks.check(found, issuer=issuer, now=datetime.now(UTC))
assert found.held_serials.issuperset(wanted)
with open("ours.pem", "wb") as sink:
    write_pem(found.der, sink)
Path("seconds").write_text(str(time.perf_counter() - start))
"""

# The same with cryptography alone. It checks less: neither dates, extensions nor numbers.
PLAIN_CHECK_AND_CONVERT = """
import time
from pathlib import Path
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
wanted = [int(serial) for serial in Path("wanted").read_text().split()]
issuer = x509.load_pem_x509_certificate(Path("ca.pem").read_bytes())

start = time.perf_counter()
found = x509.load_der_x509_crl(Path("crl.der").read_bytes())
assert found.is_signature_valid(issuer.public_key())
assert {revoked.serial_number for revoked in found}.issuperset(wanted)
Path("theirs.pem").write_bytes(found.public_bytes(Encoding.PEM))
Path("seconds").write_text(str(time.perf_counter() - start))
"""

OPENSSL = ("openssl", "crl", "-inform", "DER", "-outform", "PEM", "-in", "crl.der", "-out", "theirs.pem")


class Run(NamedTuple):
    """The time and memory of one process."""

    seconds: float
    megabytes: float


class Bar(NamedTuple):
    """A limit for the median of the rounds' ratios, ours to theirs."""

    what: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    at_most: float


def spawn(command: Sequence[str]) -> Run:
    """Run a process to its end; return wall-clock time and peak resident memory."""
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], list(command), os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"failed with status {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return Run(seconds, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))


def python(program: str) -> Run:
    """Run a program in a new interpreter."""
    return spawn((sys.executable, "-c", program))


def python_inside(program: str) -> Run:
    """Run a program that measures its own work, without its imports."""
    run = python(program)
    return run._replace(seconds=float(Path("seconds").read_text()))


def take_turns(ours: Callable[[], Run], theirs: Callable[[], Run]) -> tuple[list[Run], list[Run]]:
    """Run both sides alternately, once to warm up and then for each round."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS + 1)][1:]
    require_same_bytes()
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def require_same_bytes() -> None:
    """Exit if the two sides wrote different bytes."""
    if not filecmp.cmp("ours.pem", "theirs.pem", shallow=False):  # in small pieces
        raise SystemExit("the two sides wrote different bytes")


def bar(what: str, unit: str, ours: Sequence[float], theirs: Sequence[float], at_most: float) -> Bar:
    """Return the comparison of the rounds, pair by pair."""
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    return Bar(what, unit, median(ours), median(theirs), ratio, at_most)


def measure() -> list[Bar]:
    """Run all comparisons in the current folder."""
    python(PREPARE)
    ours, openssl = take_turns(lambda: python(CONVERT), lambda: spawn(OPENSSL))
    converting = "convert, process    : openssl crl"
    bars = [
        bar(converting, "s", [run.seconds for run in ours], [run.seconds for run in openssl], 1 / 6),
        bar(converting, "MB", [run.megabytes for run in ours], [run.megabytes for run in openssl], 1 / 6),
    ]
    ours, plain = take_turns(lambda: python_inside(CHECK_AND_CONVERT), lambda: python_inside(PLAIN_CHECK_AND_CONVERT))
    checking = "check and convert   : cryptography"
    return [
        *bars,
        bar(checking, "s", [run.seconds for run in ours], [run.seconds for run in plain], 0.5),
        bar(checking, "MB", [run.megabytes for run in ours], [run.megabytes for run in plain], 1 / 3),
    ]


def table(bars: Sequence[Bar]) -> str:
    """Return the bars as text, one per line."""
    lines = [f"CRL of {ENTRIES:,} entries, medians of {ROUNDS} rounds", ""]
    lines.append(f"{'ours                : theirs':36}{'ours':>10}{'theirs':>10}{'ratio':>8}{'bar':>6}")
    for each in bars:
        digits = 3 if each.unit == "s" else 0
        figures = "".join(f"{f'{figure:.{digits}f} {each.unit}':>10}" for figure in (each.ours, each.theirs))
        verdict = "" if each.ratio <= each.at_most else "  MISSED"
        lines.append(f"{each.what:36}{figures}{each.ratio:8.2f}{each.at_most:6.2f}{verdict}")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, and return 1 if a bar is missed."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    with tempfile.TemporaryDirectory() as folder:
        home = Path.cwd()
        os.chdir(folder)
        try:
            bars = measure()
        finally:
            os.chdir(home)
    sys.stdout.write(table(bars))
    return int(any(each.ratio > each.at_most for each in bars))


if __name__ == "__main__":
    sys.exit(main())

"""What cryptography raises for unreadable bytes becomes one of our errors; whatever else is raised passes."""

import pytest
from cryptography import x509

from functions.errors import CrlMalformed
from functions.pki import crl
from functions.pki.unreadable import refuse_unreadable
from tests.support import pki

# pyo3 makes this class for a panic of cryptography's Rust core; it can be imported from nowhere. No input is known that
# causes one in the locked version, so the tests raise it themselves.
PanicException = type("PanicException", (BaseException,), {})


def test_a_panic_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in cryptography's core must not end the function without a named error."""

    def panic(_: bytes) -> None:
        raise PanicException("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr(x509, "load_der_x509_crl", panic)
    with pytest.raises(CrlMalformed, match="the CRL cannot be read: called `Option::unwrap"):
        crl.read(pki.certificate_authority().crl())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, ZeroDivisionError])
def test_anything_else_passes(error: type[BaseException]) -> None:
    """An interrupt, or a fault of our own, is not the input's."""
    with pytest.raises(error), refuse_unreadable(CrlMalformed, "it cannot be read"):
        raise error

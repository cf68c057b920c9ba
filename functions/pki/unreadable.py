"""Turns whatever cryptography raises for bytes that it cannot read into one of our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

_ERRORS = (
    ValueError,
    TypeError,  # a name of an odd string type
    KeyError,  # a TLS feature without a name
    OverflowError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)
_MAX_SHOWN = 200  # a message goes into a state's output, and what it quotes may have any length


@contextmanager
def refuse_unreadable(error: type[Exception], message: str) -> Iterator[None]:
    """Raise `error` with a message and cryptography's own words, where the block cannot read its input.

    A fault in cryptography's Rust core is a PanicException, which derives from BaseException and can be imported from
    nowhere; it is known by its name. Any other BaseException passes.
    """
    try:
        yield
    except _ERRORS as fault:
        raise error(f"{message}: {str(fault)[:_MAX_SHOWN]}") from None
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        raise error(f"{message}: {str(panic)[:_MAX_SHOWN]}") from None

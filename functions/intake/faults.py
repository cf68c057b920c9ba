"""Collects every refusal of an input instead of stopping at the first."""

from collections.abc import Iterator
from contextlib import contextmanager

from functions.errors import AwsCallRefused, RequestRefused


@contextmanager
def collect_refusals(faults: list[RequestRefused]) -> Iterator[None]:
    """Append a refusal of the block to the faults instead of raising it."""
    try:
        yield
    except RequestRefused as refusal:
        faults.append(refusal)
    except AwsCallRefused as error:
        reason = "the stack may use only the CA, its CRL bucket and the trust stores that it was deployed for"
        faults.append(RequestRefused(f"{error} ({reason})"))

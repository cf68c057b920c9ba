"""Naming every fault at once: one refusal does not hide the next."""

from collections.abc import Iterator
from contextlib import contextmanager

from functions.errors import AwsCallRefused, RequestRefused


@contextmanager
def collect_refusals(faults: list[RequestRefused]) -> Iterator[None]:
    """Let one refusal not hide the next."""
    try:
        yield
    except RequestRefused as fault:
        faults.append(fault)
    except AwsCallRefused as refusal:
        why = "the stack may touch the CA, its CRL bucket and the trust stores that it was deployed for, and no others"
        faults.append(RequestRefused(f"{refusal} ({why})"))

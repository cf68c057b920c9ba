"""Finds trust stores that trust another CA of the same name as the one whose certificates are revoked."""

import contextlib
import os
from collections.abc import Iterator

from functions.aws import acm_pca
from functions.errors import RevocationError
from functions.intake import trust_stores
from functions.pki import bundle_checks
from functions.pki.chain import load, readable_certificates


def find_namesakes(arn: str, trust_store_arns: str, region: str) -> Iterator[str]:
    """Yield both certificates of each trust store that has two; nothing without the permission to read them.

    `trust_store_arns` is the parameter: ARNs between commas, or nothing for all trust stores of the account.

    """
    os.environ["AWS_DEFAULT_REGION"] = region  # the functions' clients take it from there
    with contextlib.suppress(RevocationError):
        certificate, _ = acm_pca.get_certificate_authority_certificate(arn)
        ca = load(certificate.encode(), "the CA's certificate cannot be read")
        for store in trust_stores.read_trust_stores(filter(None, trust_store_arns.split(",")), []):
            if found := bundle_checks.describe_namesakes(ca, readable_certificates(store.bundle), store.arn):
                yield found

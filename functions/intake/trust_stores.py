"""The trust stores of a request: those that it names, or every one of the account and Region that trusts the CA."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from functions import limits
from functions.aws import elbv2 as aws_elbv2
from functions.errors import CertificateAuthorityNotTrusted, RequestRefused, TrustStoreNotFound
from functions.intake.certificate_authority import Authority
from functions.intake.faults import collect_refusals
from functions.pki.chain import is_trusted


@dataclass(frozen=True, slots=True)
class TrustStoreSeen:
    """A trust store and its CA certificates (PEM), before anything was done."""

    arn: str
    total_revoked_entries: int
    bundle: bytes = field(repr=False)


def named(arns: Iterable[str], faults: list[RequestRefused]) -> list[TrustStoreSeen]:
    """Read these trust stores, or all of the account and Region when none is named."""
    arns = list(dict.fromkeys(arns))
    if not arns:
        return _all(faults)
    found: list[TrustStoreSeen] = []
    for arn in arns:
        with collect_refusals(faults):
            found.append(_seen(arn, aws_elbv2.describe_trust_store(arn)["TotalRevokedEntries"]))
    return found


def _all(faults: list[RequestRefused]) -> list[TrustStoreSeen]:
    """Read every one; one that is not ready yet, or gone meanwhile, is none."""
    found: list[TrustStoreSeen] = []
    with collect_refusals(faults):
        for each in aws_elbv2.describe_trust_stores():
            if each["Status"] == "ACTIVE":
                with collect_refusals(faults), contextlib.suppress(TrustStoreNotFound):
                    found.append(_seen(each["TrustStoreArn"], each["TotalRevokedEntries"]))
    return found


def _seen(arn: str, total_revoked_entries: int) -> TrustStoreSeen:
    return TrustStoreSeen(arn, total_revoked_entries, aws_elbv2.get_trust_store_ca_certificates_bundle(arn))


def trusting(
    stores: list[TrustStoreSeen], authority: Authority, faults: list[RequestRefused], *, all_must: bool
) -> list[TrustStoreSeen]:
    """Give those that trust the CA; when all must, each other one is a fault, and otherwise only having none is."""
    called = authority.arn or repr(authority.certificate.subject.rfc4514_string()[:200])
    found = [each for each in stores if is_trusted(authority.certificate, authority.chain_pem, each.bundle)]
    if all_must:
        faults += [
            CertificateAuthorityNotTrusted(
                f"the bundle of {each.arn} holds neither the CA {called} nor one it chains to, "
                "so the load balancer accepts none of its certificates"
            )
            for each in stores
            if each not in found
        ]
    elif not found:
        faults.append(
            TrustStoreNotFound(
                f"none of {len(stores)} trust stores of this account and Region trusts the CA {called}: "
                "no load balancer here accepts its certificates"
            )
        )
    if len(found) > limits.MAX_TRUST_STORES:
        faults.append(
            TrustStoreNotFound(
                f"{len(found)} trust stores trust the CA {called}, and one execution serves {limits.MAX_TRUST_STORES}: "
                "name them in TrustStoreArns, in several executions"
            )
        )
    return found

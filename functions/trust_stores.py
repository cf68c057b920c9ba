"""The trust stores of a request: those that it names, or every one of the account and Region that trusts the CA."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from functions import aws
from functions.authority import Authority
from functions.errors import CertificateAuthorityNotTrusted, RequestRefused, TrustStoreNotFound
from functions.faults import collecting
from functions.request import MAX_TRUST_STORES
from functions.trust import is_trusted


@dataclass(frozen=True, slots=True)
class TrustStoreSeen:
    """A trust store and its CA certificates (PEM), before anything was done."""

    arn: str
    total_revoked_entries: int
    bundle: bytes = field(repr=False)


def named(arns: Iterable[str], faults: list[RequestRefused]) -> list[TrustStoreSeen]:
    """Read these trust stores, or all of the account and Region when none is named."""
    found: list[TrustStoreSeen] = []
    arns = list(dict.fromkeys(arns))
    totals: dict[str, int] = {}
    if not arns:
        with collecting(faults):
            totals = {each["TrustStoreArn"]: each["TotalRevokedEntries"] for each in aws.describe_trust_stores()}
    for arn in arns:
        with collecting(faults):
            totals[arn] = aws.describe_trust_store(arn)["TotalRevokedEntries"]
    for arn, total in totals.items():
        with collecting(faults):
            found.append(TrustStoreSeen(arn, total, aws.get_trust_store_ca_certificates_bundle(arn)))
    return found


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
    if len(found) > MAX_TRUST_STORES:
        faults.append(
            TrustStoreNotFound(
                f"{len(found)} trust stores trust the CA {called}, and one execution serves {MAX_TRUST_STORES}: "
                "name them in TrustStoreArns, in several executions"
            )
        )
    return found

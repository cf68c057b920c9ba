"""The trust stores of a request: those that it names, or every one of the account and Region that trusts the CA."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from functions import limits
from functions.aws import elbv2
from functions.errors import CertificateAuthorityNotTrusted, RequestRefused, TrustStoreNotFound
from functions.intake.certificate_authority import CertificateAuthority
from functions.intake.faults import collect_refusals
from functions.pki import names
from functions.pki.chain import is_trusted, read_bundle

_MAX_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class TrustStoreSnapshot:
    """A trust store and its CA certificates (PEM), as they were before the execution."""

    arn: str
    total_revoked_entries: int
    bundle: bytes = field(repr=False)


def read_trust_stores(arns: Iterable[str], faults: list[RequestRefused]) -> list[TrustStoreSnapshot]:
    """Read these trust stores, or all of the account and Region if none is named."""
    arns = list(dict.fromkeys(arns))
    if not arns:
        return _read_all(faults)
    stores: list[TrustStoreSnapshot] = []
    for arn in arns:
        with collect_refusals(faults):
            stores.append(_read(arn, elbv2.describe_trust_store(arn)["TotalRevokedEntries"]))
    return stores


def _read_all(faults: list[RequestRefused]) -> list[TrustStoreSnapshot]:
    """Read every active trust store; one that is deleted in the meantime is left out."""
    stores: list[TrustStoreSnapshot] = []
    with collect_refusals(faults):
        for described in elbv2.describe_trust_stores():
            if described["Status"] == "ACTIVE":
                with collect_refusals(faults), contextlib.suppress(TrustStoreNotFound):
                    stores.append(_read(described["TrustStoreArn"], described["TotalRevokedEntries"]))
    return stores


def _read(arn: str, total_revoked_entries: int) -> TrustStoreSnapshot:
    return TrustStoreSnapshot(arn, total_revoked_entries, elbv2.get_trust_store_ca_certificates_bundle(arn))


def select_trusting(
    stores: list[TrustStoreSnapshot], ca: CertificateAuthority, faults: list[RequestRefused], *, all_must_trust: bool
) -> list[TrustStoreSnapshot]:
    """Return the trust stores that trust the CA; any other is a fault if all must, otherwise only having none is."""
    label = ca.arn or names.quote_subject(ca.certificate)
    trusting = [store for store in stores if is_trusted(ca.certificate, ca.chain_pem, store.bundle)]
    if all_must_trust:
        faults += [
            CertificateAuthorityNotTrusted(
                f"the bundle of {store.arn} holds neither the CA {label} nor one it chains to, "
                "so the load balancer accepts none of its certificates: name other trust stores (TrustStoreArns), or "
                f"add the CA to the bundle (ModifyTrustStore){_unreadable(store)}"
            )
            for store in stores
            if store not in trusting
        ]
    elif not trusting:
        faults.append(
            TrustStoreNotFound(
                f"none of {len(stores)} trust stores of this account and Region trusts the CA {label}: "
                "no load balancer here accepts its certificates. Add the CA to a bundle (ModifyTrustStore)"
            )
        )
    if len(trusting) > limits.MAX_TRUST_STORES:
        faults.append(
            TrustStoreNotFound(
                f"{len(trusting)} trust stores trust the CA {label}, and one execution serves "
                f"{limits.MAX_TRUST_STORES}: name them in TrustStoreArns, in several executions"
            )
        )
    return trusting


def _unreadable(store: TrustStoreSnapshot) -> str:
    """Return which certificates of a bundle cannot be read, for the CA may be among them."""
    return "".join(f". Of its bundle, {fault}" for fault in read_bundle(store.bundle)[1])[:_MAX_SHOWN]

"""The report on one trust store: lists, entry counts, and how long connections opened before may live."""

from datetime import timedelta

from functions.aws import elbv2
from functions.errors import RevocationError
from functions.models.drift import ListInPlace
from functions.models.report import PROVEN, OpenConnections, TrustStoreReport
from functions.models.states import TrustStore, Verified
from functions.models.stored import Baseline, Evidence


def report(store: TrustStore, baseline: Baseline, evidence: Evidence | None) -> TrustStoreReport:
    """Return the report on a trust store; without evidence it contains only the state before the execution."""
    result = TrustStoreReport(
        trust_store_arn=store.trust_store_arn,
        proven="nothing: no list of this execution was read back",
        added_revocation_ids=store.attached.added_revocation_ids,
        removed_revocation_ids=store.attached.removed_revocation_ids,
        entries_before=baseline.entries,
        total_revoked_entries_before=baseline.total_revoked_entries,
        namesakes=baseline.namesakes,
        failure=store.failure,
    )
    return result.model_copy(update=_read_back(store, baseline, evidence)) if evidence else result


def _read_back(store: TrustStore, baseline: Baseline, evidence: Evidence) -> dict[str, object]:
    """Return the fields that exist only once a list was read back."""
    verified, removed = store.verified, store.removed
    return {
        "proven": PROVEN,
        "revocation_id": verified.revocation_id,
        "crl_number": verified.crl_number,
        "verified_at": evidence.verified_at,
        "removed_revocation_ids": sorted({*store.attached.removed_revocation_ids, *removed.removed_revocation_ids}),
        "entries_after": verified.number_of_revoked_entries,
        "entries_new": verified.new_entries,
        "entries_dropped": verified.dropped_entries,
        "entries_net": verified.number_of_revoked_entries - baseline.entries,
        "dropped_serials": evidence.dropped_serials,
        "total_revoked_entries_between": verified.total_revoked_entries,
        "total_revoked_entries_after": removed.total_revoked_entries if removed.finished_at else None,
        "count_rose": verified.wanted_new > 0,
        "count_explanation": _explain(verified, baseline),
        "open_connections": _open_connections(store.trust_store_arn, evidence),
    }


def report_unchanged(baseline: Baseline, current: ListInPlace | None) -> TrustStoreReport:
    """Return the report on a trust store in which a reconcile found nothing, or nothing any more, to correct."""
    return TrustStoreReport(
        trust_store_arn=baseline.trust_store_arn,
        proven=PROVEN,
        revocation_id=current.revocation_id if current else None,
        crl_number=current.crl_number if current else None,
        entries_before=baseline.entries,
        entries_after=current.number_of_revoked_entries if current else None,
        total_revoked_entries_before=baseline.total_revoked_entries,
        namesakes=baseline.namesakes,
        count_explanation="This execution attached and removed nothing.",
    )


def _explain(verified: Verified, baseline: Baseline) -> str:
    """Return why the count of entries rose, or did not."""
    net = verified.number_of_revoked_entries - baseline.entries
    if not verified.wanted_new:
        return f"The count did not have to rise: every serial found ({verified.wanted_held}) was in force before."
    new = f"Serials to revoke that no list of this CA held before: {verified.wanted_new}."
    if net > 0:
        return new
    return f"{new} The net is {net:+d} nevertheless: a CRL drops certificates once they have expired."


def _open_connections(trust_store_arn: str, evidence: Evidence) -> OpenConnections:
    try:
        seconds = [_keep_alive(arn) for arn in elbv2.describe_trust_store_associations(trust_store_arn)]
    except RevocationError as error:
        return OpenConnections(unknown_reason=str(error))
    if not seconds:
        reason = "the trust store is not associated with any load balancer"
        return OpenConnections(unknown_reason=reason, not_associated=True)
    known = [each for each in seconds if each is not None]
    if len(known) < len(seconds):
        reason = "the trust store is associated with something other than an Application Load Balancer"
        return OpenConnections(unknown_reason=reason)
    longest = max(known)
    return OpenConnections(client_keep_alive_seconds=longest, until=evidence.verified_at + timedelta(seconds=longest))


def _keep_alive(resource_arn: str) -> int | None:
    """Return client_keep_alive.seconds of a load balancer, by its own ARN or that of one of its listeners."""
    prefix, _, path = resource_arn.partition(":listener/app/")
    if path:
        resource_arn = f"{prefix}:loadbalancer/app/{path.rsplit('/', 1)[0]}"
    if ":loadbalancer/app/" not in resource_arn:
        return None
    value = elbv2.describe_load_balancer_attributes(resource_arn).get("client_keep_alive.seconds")
    return int(value) if value else None

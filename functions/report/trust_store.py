"""What became of one trust store: ids, counts and whether they rose, and how long open connections may live."""

from datetime import timedelta

from functions.aws import elbv2 as aws_elbv2
from functions.errors import RevocationError
from functions.models.report import PROVEN, OpenConnections, TrustStoreReport
from functions.models.states import ListInPlace, TrustStore, Verified
from functions.models.stored import Baseline, Evidence


def report_trust_store(store: TrustStore, baseline: Baseline, last: Evidence | None) -> TrustStoreReport:
    """Put together what is known of one trust store; without evidence, that is its state before."""
    verified = store.verified
    if last is None:
        return TrustStoreReport(
            trust_store_arn=store.trust_store_arn,
            proven="nothing: no list of this execution was read back",
            added_revocation_ids=store.attached.added_revocation_ids,
            removed_revocation_ids=store.attached.removed_revocation_ids,
            entries_before=baseline.entries,
            total_revoked_entries_before=baseline.total_revoked_entries,
            failure=store.failure,
        )
    return TrustStoreReport(
        trust_store_arn=store.trust_store_arn,
        proven=PROVEN,
        revocation_id=verified.revocation_id,
        crl_number=verified.crl_number,
        verified_at=last.verified_at,
        added_revocation_ids=store.attached.added_revocation_ids,
        removed_revocation_ids=sorted({*store.attached.removed_revocation_ids, *store.removed.removed_revocation_ids}),
        entries_before=baseline.entries,
        entries_after=verified.number_of_revoked_entries,
        entries_new=verified.new_entries,
        entries_dropped=verified.dropped_entries,
        entries_net=verified.number_of_revoked_entries - baseline.entries,
        dropped_serials=last.dropped_serials,
        total_revoked_entries_before=baseline.total_revoked_entries,
        total_revoked_entries_between=verified.total_revoked_entries,
        total_revoked_entries_after=store.removed.total_revoked_entries if store.removed.finished_at else None,
        count_rose=verified.wanted_new > 0,
        count_explained=_explain(verified, baseline),
        open_connections=_open_connections(store.trust_store_arn, last),
        failure=store.failure,
    )


def in_place(baseline: Baseline, held: ListInPlace | None) -> TrustStoreReport:
    """Put together what was read last of a trust store in which nothing had to be corrected, perhaps any more."""
    return TrustStoreReport(
        trust_store_arn=baseline.trust_store_arn,
        proven=PROVEN,
        revocation_id=held.revocation_id if held else None,
        crl_number=held.crl_number if held else None,
        entries_before=baseline.entries,
        entries_after=held.number_of_revoked_entries if held else None,
        total_revoked_entries_before=baseline.total_revoked_entries,
        count_explained="This execution attached and removed nothing.",
    )


def _explain(verified: Verified, baseline: Baseline) -> str:
    net = verified.number_of_revoked_entries - baseline.entries
    if not verified.wanted_new:
        return f"The count did not have to rise: all {verified.wanted_held} wanted serials found were in force before."
    rose = f"{verified.wanted_new} wanted serials are in the list read back that were in no list of this CA before."
    if net > 0:
        return rose
    return f"{rose} The net is {net:+d} all the same: a CRL drops certificates once they have expired."


def _open_connections(trust_store_arn: str, last: Evidence) -> OpenConnections:
    try:
        seconds = [_keep_alive(arn) for arn in aws_elbv2.describe_trust_store_associations(trust_store_arn)]
    except RevocationError as refusal:
        return OpenConnections(unknown_because=str(refusal))
    if not seconds:
        because = "the trust store is not associated with any load balancer"
        return OpenConnections(unknown_because=because, not_associated=True)
    known = [each for each in seconds if each is not None]
    if len(known) < len(seconds):
        return OpenConnections(unknown_because="the trust store hangs on something else than a load balancer")
    longest = max(known)
    return OpenConnections(client_keep_alive_seconds=longest, until=last.verified_at + timedelta(seconds=longest))


def _keep_alive(resource_arn: str) -> int | None:
    """Give client_keep_alive.seconds of a load balancer, named by its own ARN or by that of a listener."""
    kind, _, path = resource_arn.partition(":listener/app/")
    if path:
        resource_arn = f"{kind}:loadbalancer/app/{path.rsplit('/', 1)[0]}"
    if ":loadbalancer/app/" not in resource_arn:
        return None
    value = aws_elbv2.describe_load_balancer_attributes(resource_arn).get("client_keep_alive.seconds")
    return int(value) if value else None

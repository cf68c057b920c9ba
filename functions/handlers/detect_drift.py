"""DetectDrift: compare the trust stores with the CA's newest CRL, and decide which execution corrects a drift."""

from datetime import datetime, timedelta

from functions import metrics, workflow_bucket
from functions.environment import environment
from functions.handler import lambda_handler
from functions.models.drift import DriftStatus
from functions.models.states import DetectDriftInput, Drift
from functions.models.stored import AttachedList, Manifest
from functions.pki.crl import Crl
from functions.trust_store import capacity, claim, drift
from functions.trust_store.drift import ListsByArn
from functions.trust_store.precedence import BY_NUMBER


def detect_drift(event: DetectDriftInput, now: datetime) -> Drift:
    """Compare once; a drift that the previous comparison found as well is claimed, unless another reconcile has.

    Raises:
        CrlNotPublished: S3 has no CRL of this CA, though one is attached.
        CrlRefused: a subclass of it, for a CRL from the input.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    comparison = drift.compare(manifest, now)
    result = comparison.drift
    if result.status is not DriftStatus.NO_CRL:
        _emit_metrics(manifest, comparison.lists, comparison.newest, now)
    if result.status is not DriftStatus.SUSPECTED or not isinstance(event.previous, Drift):
        return result
    if result.refusal or result.crl_number is None:
        return result.model_copy(update={"status": DriftStatus.INVALID})
    claimed_by = claim.acquire(manifest, result.crl_number, now)
    status = DriftStatus.CLAIMED if claimed_by else DriftStatus.CONFIRMED
    return result.model_copy(update={"status": status, "claimed_by": claimed_by})


def _emit_metrics(manifest: Manifest, lists_by_arn: ListsByArn, newest: Crl | None, now: datetime) -> None:
    """Write each trust store's metrics: the age of its list, and whether the next one fits beside it."""
    quotas = environment()
    for arn, lists in lists_by_arn.items():
        winner = BY_NUMBER.winner(lists)
        used = capacity.count_entries(lists)
        next_entries = max(
            winner.number_of_revoked_entries if winner else 0, newest.number_of_revoked_entries if newest else 0
        )
        entries = (used + next_entries) / quotas.max_revocation_entries
        values = {
            "RevocationEntriesUsed": 100 * used / quotas.max_revocation_entries,
            "RevocationListsUsed": 100 * len(lists) / quotas.max_revocation_lists,
            "HeadroomUsedByNextCrl": 100 * max(entries, (len(lists) + 1) / quotas.max_revocation_lists),
            "TimeToNextUpdate": _time_to_next_update(winner, lists, now),
        }
        if winner and winner.this_update:
            values["AttachedCrlAge"] = (now - winner.this_update).total_seconds()
        if ca_expiry := manifest.baseline(arn).ca_expiry:
            values["DaysToCaExpiry"] = (ca_expiry - now) / timedelta(days=1)
        dimensions = {
            "CertificateAuthority": manifest.authority_id,
            "TrustStore": arn.split("/", 1)[1],
        }
        metrics.emit(values, dimensions, now)


def _time_to_next_update(winner: AttachedList | None, lists: list[AttachedList], now: datetime) -> float:
    """Return the seconds until the first list expires: this CA's newest, or one of another CA; 0 without the former."""
    if winner is None or winner.next_update is None:
        return 0.0
    others = [each.next_update for each in lists if each.sha256 is None and each.next_update]
    return (min([winner.next_update, *others]) - now).total_seconds()


handler = lambda_handler(detect_drift)

"""DetectDrift: compare what the trust stores hold with the CA's newest CRL, and say who corrects what differs."""

from datetime import datetime

from functions import metrics, workflow_bucket
from functions.environment import environment
from functions.handler import lambda_handler
from functions.models.states import DetectDriftInput, Drift, DriftStatus
from functions.models.stored import Manifest
from functions.pki.crl import Crl
from functions.trust_store import claim as claims
from functions.trust_store import drift
from functions.trust_store.drift import Lists
from functions.trust_store.precedence import BY_NUMBER


def detect_drift(event: DetectDriftInput, now: datetime) -> Drift:
    """Look once; a drift that was seen before, and that no other reconcile is at work on, is ours to correct.

    Raises:
        CrlNotPublished: there is no CRL where the CA's should lie, though one was attached once.
        CrlRefused: a subclass of it, when the CRL was handed over.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    seen = drift.look(manifest, now)
    found = seen.drift
    if found.status is not DriftStatus.NO_CRL:
        _measure(manifest, seen.lists, seen.newest, now)
    if found.status is not DriftStatus.SUSPECTED or not isinstance(event.previous, Drift):
        return found
    if found.refusal or found.crl_number is None:
        return found.model_copy(update={"status": DriftStatus.INVALID})
    other = claims.take(manifest, found.crl_number, now)
    status = DriftStatus.CLAIMED if other else DriftStatus.CONFIRMED
    return found.model_copy(update={"status": status, "claimed_by": other})


def _measure(manifest: Manifest, lists: Lists, newest: Crl | None, now: datetime) -> None:
    """Tell the gauges of each trust store: how old its list is, and whether the next one fits beside it."""
    here = environment()
    for arn, held in lists.items():
        winner = BY_NUMBER.winner(held)
        used = sum(each.number_of_revoked_entries for each in held)
        following = max(
            winner.number_of_revoked_entries if winner else 0, newest.number_of_revoked_entries if newest else 0
        )
        entries = (used + following) / here.max_revocation_entries
        values = {
            "RevocationEntriesUsed": 100 * used / here.max_revocation_entries,
            "RevocationListsUsed": 100 * len(held) / here.max_revocation_lists,
            "HeadroomUsedByNextCrl": 100 * max(entries, (len(held) + 1) / here.max_revocation_lists),
            "TimeToNextUpdate": 0.0,  # without a list, nothing is in force
        }
        if winner and winner.this_update and winner.next_update:
            values["AttachedCrlAge"] = (now - winner.this_update).total_seconds()
            values["TimeToNextUpdate"] = (winner.next_update - now).total_seconds()
        dimensions = {
            "CertificateAuthority": manifest.authority_id,
            "TrustStore": arn.split("/", 1)[1],
        }
        metrics.emit(values, dimensions, now)


handler = lambda_handler(detect_drift)

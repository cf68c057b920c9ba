"""RemoveSupersededCrls: only now remove what the verified list makes superfluous, and look once more."""

from datetime import datetime

from functions import attached_lists, aws, workflow_bucket
from functions.contracts import EnforceInput, Removed
from functions.task import task


def remove_superseded_crls(question: EnforceInput, _now: datetime) -> Removed:
    """Remove this CA's lists below the one that this execution has itself read back and verified.

    Raises:
        CrlNumberReused: one of them has the verified one's number and other bytes.
        RevocationAddUnclear: the list was gone, and nobody knows whether it was added again.

    """
    manifest = workflow_bucket.get_manifest(question.manifest)
    store = question.trust_store
    arn, before = store.trust_store_arn, store.removed
    verified = attached_lists.of_verified(store.verified)
    superfluous = attached_lists.dominated(attached_lists.read(arn, manifest), verified)
    attached_lists.remove(arn, superfluous)
    winner = attached_lists.winner(attached_lists.read(arn, manifest))
    added = []
    if winner is None or winner.rank < verified.rank:
        added = [attached_lists.add(arn, question.converted, manifest)]
    return Removed(
        added_again=bool(added),
        added_revocation_ids=[*before.added_revocation_ids, *added],
        removed_revocation_ids=[*before.removed_revocation_ids, *superfluous],
        total_revoked_entries=aws.describe_trust_store(arn)["TotalRevokedEntries"],
    )


handler = task(remove_superseded_crls)

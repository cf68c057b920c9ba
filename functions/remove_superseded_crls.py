"""RemoveSupersededCrls: only now remove what the verified list makes superfluous, and look once more."""

from datetime import datetime

from functions import attached_lists, aws, workflow_bucket
from functions.contracts import AttachedList, EnforceInput, Removed, Verified
from functions.errors import RevocationNotVerified
from functions.task import task


def remove_superseded_crls(question: EnforceInput, _now: datetime) -> Removed:
    """Remove this CA's lists below the one that this execution has itself read back and verified.

    Raises:
        CrlNumberReused: one of them has the verified one's number and other bytes.

    """
    manifest = workflow_bucket.get_manifest(question.manifest)
    store = question.trust_store
    arn, before = store.trust_store_arn, store.removed
    verified = _as_list(store.verified)
    superfluous = attached_lists.dominated(attached_lists.read(arn, manifest), verified)
    attached_lists.remove(arn, superfluous)
    winner = attached_lists.winner(attached_lists.read(arn, manifest))
    added = []
    if winner is None or winner.rank < verified.rank:
        added = [aws.add_trust_store_revocations(arn, question.converted.pem)]
    return Removed(
        added_again=bool(added),
        added_revocation_ids=[*before.added_revocation_ids, *added],
        removed_revocation_ids=[*before.removed_revocation_ids, *superfluous],
        total_revoked_entries=aws.describe_trust_store(arn)["TotalRevokedEntries"],
    )


def _as_list(verified: Verified) -> AttachedList:
    if verified.revocation_id is None:
        raise RevocationNotVerified("no list was verified, so none is superseded")
    return AttachedList(
        revocation_id=verified.revocation_id,
        number_of_revoked_entries=verified.number_of_revoked_entries,
        crl_number=verified.crl_number,
        sha256=verified.sha256,
    )


handler = task(remove_superseded_crls)

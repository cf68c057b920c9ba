"""RemoveSupersededCrls: only now remove what the verified list makes superfluous, and look once more."""

from datetime import datetime

from functions import workflow_bucket
from functions.aws import elbv2 as aws_elbv2
from functions.errors import RevocationNotVerified
from functions.handler import lambda_handler
from functions.models.states import EnforceInput, Removed, TrustStore
from functions.models.stored import AttachedList, Manifest
from functions.trust_store import revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence, verified_list

# Somebody who removes each list as it comes is not a race: another owner of the trust store's lists is at work.
_TIMES_GONE = 3


def remove_superseded_crls(event: EnforceInput, _now: datetime) -> Removed:
    """Remove this CA's lists below the one that this execution has itself read back and verified.

    When that one is gone, before or after, nothing (more) is removed and the state machine attaches it again.

    Raises:
        CrlNumberReused: one of them has the verified one's number and other bytes.
        RevocationNotVerified: the verified list was removed by somebody else again and again.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    store = event.trust_store
    arn, before = store.trust_store_arn, store.removed
    verified = verified_list(store.verified)
    lists = revocation_lists.read(arn, manifest)
    superfluous: list[int] = []
    precedence = Precedence.of(manifest, event.converted)
    if precedence.is_enforced(lists, verified.rank):
        if precedence.preferred_sha256:  # a list that came meanwhile may hold more than the one that fell back
            revocation_lists.require_no_serial_lost(arn, lists, workflow_bucket.get_crl(event.converted.pem))
        superfluous = precedence.superseded_by(verified, lists)
        revocation_lists.remove(arn, superfluous)
        lists = revocation_lists.read(arn, manifest)
    gone = not precedence.is_enforced(lists, verified.rank)
    times_gone = before.times_gone + gone
    if times_gone > _TIMES_GONE:
        raise RevocationNotVerified(
            f"list {verified.revocation_id} of {arn} was verified and removed by somebody else, {times_gone} times"
        )
    return Removed(
        verified_list_gone=gone,
        times_gone=times_gone,
        removed_revocation_ids=sorted({*before.removed_revocation_ids, *superfluous, *_left(store, manifest, lists)}),
        total_revoked_entries=aws_elbv2.describe_trust_store(arn)["TotalRevokedEntries"],
    )


def _left(store: TrustStore, manifest: Manifest, lists: list[AttachedList]) -> set[int]:
    """Give the lists of this CA that were there once and are no more, whichever try or peer removed them."""
    baseline = BY_NUMBER.ranked(manifest.baseline(store.trust_store_arn).lists)
    known = {each.revocation_id for each in baseline} | {*store.attached.added_revocation_ids}
    return known - {each.revocation_id for each in lists}


handler = lambda_handler(remove_superseded_crls)

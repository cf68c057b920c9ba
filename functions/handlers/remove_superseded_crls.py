"""RemoveSupersededCrls: after verification, remove the lists that the verified one supersedes, and check again."""

from datetime import datetime

from functions import workflow_bucket
from functions.aws import elbv2
from functions.errors import RevocationNotVerified
from functions.handler import lambda_handler
from functions.models.states import EnforceInput, Removed, TrustStore
from functions.models.stored import AttachedList, Manifest
from functions.trust_store import revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence, verified_list

# If every list is removed as soon as it is attached, it is not a race: something else manages the trust store's lists.
_MAX_TIMES_GONE = 3


def remove_superseded_crls(event: EnforceInput, _now: datetime) -> Removed:
    """Remove this CA's lists that rank below the one that this execution has itself read back and verified.

    If that one is gone, nothing (more) is removed and the state machine attaches it again.

    Raises:
        CrlNumberLower: a list, perhaps attached meanwhile, holds serials that the preferred CRL lacks.
        CrlNumberReused: a list has the verified one's number and other bytes.
        RevocationNotVerified: the verified list was removed by somebody else several times.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    store = event.trust_store
    arn, previous = store.trust_store_arn, store.removed
    verified = verified_list(store.verified)
    lists = revocation_lists.read(arn, manifest)
    superseded: list[int] = []
    precedence = Precedence.of(manifest, event.converted)
    if precedence.is_enforced(lists, verified.rank):
        superseded = revocation_lists.find_superseded(
            arn, lists, verified, precedence, lambda: workflow_bucket.get_crl(event.converted.pem)
        )
        revocation_lists.remove(arn, superseded)
        lists = revocation_lists.read(arn, manifest)
    is_gone = not precedence.is_enforced(lists, verified.rank)
    times_gone = previous.times_gone + is_gone
    if times_gone > _MAX_TIMES_GONE:
        raise RevocationNotVerified(
            f"list {verified.revocation_id} of {arn} was verified and removed by somebody else, {times_gone} times"
        )
    return Removed(
        verified_list_gone=is_gone,
        times_gone=times_gone,
        removed_revocation_ids=sorted(
            {*previous.removed_revocation_ids, *superseded, *_gone_ids(store, manifest, lists)}
        ),
        total_revoked_entries=elbv2.describe_trust_store(arn)["TotalRevokedEntries"],
    )


def _gone_ids(store: TrustStore, manifest: Manifest, lists: list[AttachedList]) -> set[int]:
    """Return the ids of this CA's former lists, whichever attempt or execution removed them."""
    baseline = BY_NUMBER.ranked(manifest.baseline(store.trust_store_arn).lists)
    known = {attached.revocation_id for attached in baseline} | {*store.attached.added_revocation_ids}
    return known - {attached.revocation_id for attached in lists}


handler = lambda_handler(remove_superseded_crls)

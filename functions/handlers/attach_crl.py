"""AttachCrl: add the converted CRL to one trust store, at most once per CRL number, with no unprotected moment."""

from datetime import datetime

from functions import workflow_bucket
from functions.errors import CrlAuthorityKeyMismatch, RevocationNotVerified, TrustStoreFull
from functions.handler import lambda_handler
from functions.models.states import Attached, ConvertedCrl, EnforceInput
from functions.models.stored import AttachedList, Manifest
from functions.trust_store import capacity, revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence


def attach_crl(event: EnforceInput, _now: datetime) -> Attached:
    """Add the list unless it, or a newer one that holds as many of the wanted serials, is attached already.

    Raises:
        CrlAuthorityKeyMismatch: with this trust store's bundle, load balancers would refuse every client of the CA.
        CrlNumberLower, CrlNumberReused: what is attached contradicts it.
        TrustStoreFull: the list does not fit, even without the lists that a verified one supersedes.
        RevocationAddUnclear: AWS did not confirm that it was added; a retried step looks for it first.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    if cause := event.converted.unusable_at.get(event.trust_store.trust_store_arn):
        raise CrlAuthorityKeyMismatch(cause)
    removed: list[int] = []
    try:
        return _attach(event, manifest, removed)
    except (TrustStoreFull, RevocationNotVerified):
        # Since the lists were read, another execution may have taken the last place or superseded the winner.
        return _attach(event, manifest, removed)


def _attach(event: EnforceInput, manifest: Manifest, removed: list[int]) -> Attached:
    arn, converted, previous = event.trust_store.trust_store_arn, event.converted, event.trust_store.attached
    lists, added = revocation_lists.read(arn, manifest), list[int]()
    precedence = Precedence.of(manifest, converted)
    revocation_id = revocation_lists.find_equivalent(
        arn, lists, converted, precedence, lambda: workflow_bucket.get_crl(converted.pem, manifest.wanted)
    )
    if revocation_id is None:
        removed += _make_room(arn, lists, converted, manifest)
        remaining = [attached for attached in lists if attached.revocation_id not in removed]
        revocation_id = _add(arn, remaining, converted, manifest)
        added = [revocation_id]
    return Attached(
        revocation_id=revocation_id,
        added_revocation_ids=[*previous.added_revocation_ids, *added],
        removed_revocation_ids=[*previous.removed_revocation_ids, *removed],
    )


def _make_room(arn: str, lists: list[AttachedList], converted: ConvertedCrl, manifest: Manifest) -> list[int]:
    """Remove superseded lists of this CA if the new list fits only without them, and return their ids."""
    superseded = capacity.lists_to_remove(arn, lists, converted.crl_number, converted.number_of_revoked_entries)
    if superseded and (winner := BY_NUMBER.winner(lists)):
        revocation_lists.read_back(arn, winner.revocation_id, manifest)
        revocation_lists.remove(arn, superseded)
    return superseded


def _add(arn: str, lists: list[AttachedList], converted: ConvertedCrl, manifest: Manifest) -> int:
    try:
        return revocation_lists.add(arn, converted, manifest)
    except TrustStoreFull as error:
        raise TrustStoreFull(
            f"{error}; as far as known here, {capacity.describe_usage(lists, converted.number_of_revoked_entries)}"
        ) from error


handler = lambda_handler(attach_crl)

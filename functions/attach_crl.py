"""AttachCrl: add the converted CRL to one trust store, at most once per CRL number, with no unprotected moment."""

from datetime import datetime

from functions import attached_lists, head_room, workflow_bucket
from functions.contracts import Attached, ConvertedCrl, EnforceInput
from functions.errors import CrlNumberLower, CrlNumberReused, RevocationNotVerified, TrustStoreFull
from functions.records import AttachedList, Manifest
from functions.task import task


def attach_crl(question: EnforceInput, _now: datetime) -> Attached:
    """Add the list unless it, or a newer one that holds as many of the wanted serials, is there already.

    Raises:
        CrlNumberLower, CrlNumberReused: what is attached contradicts it.
        TrustStoreFull: no head-room, also without the lists that a verified one makes superfluous.
        RevocationAddUnclear: nobody knows whether it was added; asked again, this step looks first.

    """
    manifest = workflow_bucket.get_manifest(question.manifest)
    removed: list[int] = []
    try:
        return _attach(question, manifest, removed)
    except (TrustStoreFull, RevocationNotVerified):
        # Between the look and the call a peer may have taken the place, or superseded the list that counted.
        return _attach(question, manifest, removed)


def _attach(question: EnforceInput, manifest: Manifest, removed: list[int]) -> Attached:
    arn, converted, before = (
        question.trust_store.trust_store_arn,
        question.converted,
        question.trust_store.attached,
    )
    lists = attached_lists.read(arn, manifest)
    standing, added = _standing(arn, lists, converted, manifest), list[int]()
    if standing is None:
        removed += _make_room(arn, lists, converted, manifest)
        left = [each for each in lists if each.revocation_id not in removed]
        standing = _add(arn, left, converted, manifest)
        added = [standing]
    return Attached(
        revocation_id=standing,
        added_revocation_ids=[*before.added_revocation_ids, *added],
        removed_revocation_ids=[*before.removed_revocation_ids, *removed],
    )


def _standing(arn: str, lists: list[AttachedList], converted: ConvertedCrl, manifest: Manifest) -> int | None:
    """Give the id of an attached list that does all that the converted one would do."""
    preferred = attached_lists.preferred(manifest, converted)
    winner = attached_lists.winner(lists, preferred)
    if winner is None or winner.rank < (converted.crl_number, 0):
        return None
    if preferred and winner.sha256 != preferred:
        attached_lists.require_none_lost(arn, lists, workflow_bucket.crl_of(converted.pem))
        return None
    if winner.crl_number == converted.crl_number:
        if winner.sha256 != converted.sha256:
            raise CrlNumberReused(
                f"CRL number {converted.crl_number} is attached as list {winner.revocation_id} with other bytes: "
                f"SHA-256 {winner.sha256} there, {converted.sha256} here"
            )
        return winner.revocation_id
    held = workflow_bucket.held_in(converted.pem, manifest.wanted)
    if not held <= set(winner.held_serials):
        raise CrlNumberLower(
            f"CRL number {converted.crl_number} is lower than the attached {winner.crl_number} "
            f"(list {winner.revocation_id}), which lacks {len(held - set(winner.held_serials))} wanted serials"
        )
    return winner.revocation_id


def _make_room(arn: str, lists: list[AttachedList], converted: ConvertedCrl, manifest: Manifest) -> list[int]:
    """Remove the leftovers of this CA, when the new list would not fit beside them and fits without them."""
    entries = converted.number_of_revoked_entries
    if head_room.fits(lists, entries):
        return []
    superfluous = head_room.leftovers(lists)
    left = [attached for attached in lists if attached.revocation_id not in superfluous]
    winner = attached_lists.winner(lists)
    if winner is None or not head_room.fits(left, entries):
        figures = head_room.figures(left, entries)
        raise TrustStoreFull(f"{arn} has no room for CRL number {converted.crl_number}: {figures}")
    attached_lists.read_back(arn, winner.revocation_id, manifest)
    attached_lists.remove(arn, superfluous)
    return superfluous


def _add(arn: str, lists: list[AttachedList], converted: ConvertedCrl, manifest: Manifest) -> int:
    try:
        return attached_lists.add(arn, converted, manifest)
    except TrustStoreFull as full:
        raise TrustStoreFull(
            f"{full}; as far as known here, {head_room.figures(lists, converted.number_of_revoked_entries)}"
        ) from full


handler = task(attach_crl)

"""VerifyRevocation: read the list back from the trust store and check that it holds the wanted serials."""

from datetime import UTC, datetime

from functions import workflow_bucket
from functions.aws import elbv2
from functions.errors import CrlNumberReused, RevocationNotVerified
from functions.handler import lambda_handler
from functions.models.states import ConvertedCrl, EnforceInput, TrustStore, Verified
from functions.models.stored import AttachedList, Evidence, Manifest
from functions.pki import crl
from functions.trust_store import revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence, verified_list

_MAX_DROPPED_SERIALS = 100


def verify_revocation(event: EnforceInput, _now: datetime) -> Verified:
    """Verify the winner among this CA's lists: this execution's, or one of another execution that superseded it.

    Raises:
        RevocationNotVerified: no visible list holds what the converted CRL holds (yet).
        CrlNumberReused: the winner has the converted CRL's number and other bytes.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    store, converted = event.trust_store, event.converted
    arn = store.trust_store_arn
    lists = revocation_lists.read(arn, manifest)
    precedence = Precedence.of(manifest, converted)
    winner = precedence.winner(lists)
    if winner is None or not precedence.is_enforced(lists, (converted.crl_number, 0)):
        newest = f"the newest is {winner.crl_number}" if winner else "there is none of this CA"
        raise RevocationNotVerified(f"{arn} shows no list with CRL number {converted.crl_number}: {newest}")
    attached, parsed = revocation_lists.read_back(arn, winner.revocation_id, manifest)
    _check_covers(attached, converted, manifest)
    added, dropped = _difference(store, attached, parsed, manifest)
    evidence = Evidence(
        trust_store_arn=arn,
        verified_at=datetime.now(UTC),  # after reading, which may take a while
        attached=attached,
        dropped_serials=sorted(dropped or ())[:_MAX_DROPPED_SERIALS],
    )
    previous = store.verified
    return Verified(
        revocation_id=attached.revocation_id,
        crl_number=attached.crl_number,
        sha256=attached.sha256,
        number_of_revoked_entries=attached.number_of_revoked_entries,
        wanted_held=len(attached.held_serials),
        wanted_new=len(set(attached.held_serials) - manifest.baseline(arn).held_serials),
        new_entries=_sum(previous, previous.new_entries, added),
        dropped_entries=_sum(previous, previous.dropped_entries, dropped),
        total_revoked_entries=elbv2.describe_trust_store(arn)["TotalRevokedEntries"],
        evidence=workflow_bucket.put_evidence(manifest.execution_name, evidence),
    )


def _check_covers(attached: AttachedList, converted: ConvertedCrl, manifest: Manifest) -> None:
    """Refuse a winner that lacks a wanted serial which the converted CRL holds."""
    if attached.sha256 == converted.sha256:
        return
    if attached.crl_number == converted.crl_number:
        raise CrlNumberReused(
            f"list {attached.revocation_id} carries CRL number {converted.crl_number} with other bytes: "
            f"SHA-256 {attached.sha256} there, {converted.sha256} here"
        )
    expected = workflow_bucket.get_crl(converted.pem, manifest.wanted).held_serials
    if lacking := expected - set(attached.held_serials):
        raise RevocationNotVerified(
            f"list {attached.revocation_id} (CRL number {attached.crl_number}) superseded CRL number "
            f"{converted.crl_number} but lacks {len(lacking)} of {len(expected)} wanted serials"
        )


def _difference(
    store: TrustStore, attached: AttachedList, parsed: crl.Crl, manifest: Manifest
) -> tuple[set[int] | None, set[int] | None]:
    """Return the serials added and dropped since the previous lists; None if one of those is gone already."""
    previous = _previous_lists(store, manifest)
    if {previous_list.sha256 for previous_list in previous} == {attached.sha256}:
        return set(), set()
    previous_serials = revocation_lists.read_serial_numbers(store.trust_store_arn, previous)
    if previous_serials is None:
        return None, None
    serials = crl.serial_numbers(parsed)
    return serials - previous_serials, previous_serials - serials


def _previous_lists(store: TrustStore, manifest: Manifest) -> list[AttachedList]:
    """Return the list verified in the previous round, in the first round this CA's lists at the start."""
    if store.verified.revocation_id is None:
        return BY_NUMBER.ranked(manifest.baseline(store.trust_store_arn).lists)
    return [verified_list(store.verified)]


def _sum(previous: Verified, total: int | None, serials: set[int] | None) -> int | None:
    """Add up over the rounds; a total that was unknown once stays unknown."""
    if previous.revocation_id is None:
        total = 0
    return None if total is None or serials is None else total + len(serials)


handler = lambda_handler(verify_revocation)

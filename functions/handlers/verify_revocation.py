"""VerifyRevocation: read the list back from the trust store and prove that it holds the wanted serials."""

from datetime import UTC, datetime

from functions import workflow_bucket
from functions.aws import elbv2 as aws_elbv2
from functions.errors import CrlNumberReused, RevocationNotVerified
from functions.handler import lambda_handler
from functions.models.states import ConvertedCrl, EnforceInput, TrustStore, Verified
from functions.models.stored import AttachedList, Evidence, Manifest
from functions.pki import crl
from functions.trust_store import revocation_lists
from functions.trust_store.precedence import BY_NUMBER, Precedence, verified_list

_DROPPED_SHOWN = 100


def verify_revocation(event: EnforceInput, _now: datetime) -> Verified:
    """Verify the winner among this CA's lists: ours, or that of a peer who superseded us.

    Raises:
        RevocationNotVerified: no list to be seen (yet) does what the converted CRL does.
        CrlNumberReused: the winner has our number and other bytes.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    store, converted = event.trust_store, event.converted
    arn = store.trust_store_arn
    lists = revocation_lists.read(arn, manifest)
    precedence = Precedence.of(manifest, converted)
    winner = precedence.winner(lists)
    if winner is None or not precedence.is_enforced(lists, (converted.crl_number, 0)):
        seen = f"the newest is {winner.crl_number}" if winner else "there is none of this CA"
        raise RevocationNotVerified(f"{arn} shows no list with CRL number {converted.crl_number}: {seen}")
    attached, parsed = revocation_lists.read_back(arn, winner.revocation_id, manifest)
    _check_covers(attached, converted, manifest)
    new, dropped = _difference(store, attached, parsed, manifest)
    evidence = Evidence(
        trust_store_arn=arn,
        verified_at=datetime.now(UTC),  # after the reading, which may take its time, not before
        attached=attached,
        dropped_serials=sorted(dropped or ())[:_DROPPED_SHOWN],
    )
    before = store.verified
    return Verified(
        revocation_id=attached.revocation_id,
        crl_number=attached.crl_number,
        sha256=attached.sha256,
        number_of_revoked_entries=attached.number_of_revoked_entries,
        wanted_held=len(attached.held_serials),
        wanted_new=len(set(attached.held_serials) - manifest.baseline(arn).held),
        new_entries=_sum(before, before.new_entries, new),
        dropped_entries=_sum(before, before.dropped_entries, dropped),
        total_revoked_entries=aws_elbv2.describe_trust_store(arn)["TotalRevokedEntries"],
        evidence=workflow_bucket.put_evidence(manifest.execution_name, evidence),
    )


def _check_covers(attached: AttachedList, converted: ConvertedCrl, manifest: Manifest) -> None:
    """Refuse a winner that does less than the converted CRL would."""
    if attached.sha256 == converted.sha256:
        return
    if attached.crl_number == converted.crl_number:
        raise CrlNumberReused(
            f"list {attached.revocation_id} carries CRL number {converted.crl_number} with other bytes: "
            f"SHA-256 {attached.sha256} there, {converted.sha256} here"
        )
    expected = workflow_bucket.get_crl(converted.pem, manifest.wanted).held
    lacking = expected - set(attached.held_serials)
    if lacking:
        raise RevocationNotVerified(
            f"list {attached.revocation_id} (CRL number {attached.crl_number}) superseded CRL number "
            f"{converted.crl_number} but lacks {len(lacking)} of {len(expected)} wanted serials"
        )


def _difference(
    store: TrustStore, attached: AttachedList, parsed: crl.Crl, manifest: Manifest
) -> tuple[set[int] | None, set[int] | None]:
    """Give the serials that came and went against the lists before; None where one of these is gone already."""
    before = _compared_with(store, manifest)
    if {each.sha256 for each in before} == {attached.sha256}:
        return set(), set()
    held = revocation_lists.read_serial_numbers(store.trust_store_arn, before)
    if held is None:
        return None, None
    now = crl.serial_numbers(parsed)
    return now - held, held - now


def _compared_with(store: TrustStore, manifest: Manifest) -> list[AttachedList]:
    """Give this CA's lists at the start, or else the one verified last: later rounds add to what was counted then."""
    if store.verified.revocation_id is None:
        return BY_NUMBER.ranked(manifest.baseline(store.trust_store_arn).lists)
    return [verified_list(store.verified)]


def _sum(before: Verified, counted: int | None, more: set[int] | None) -> int | None:
    """Add up over the rounds; once unknown, always unknown."""
    if before.revocation_id is None:
        counted = 0
    return None if counted is None or more is None else counted + len(more)


handler = lambda_handler(verify_revocation)

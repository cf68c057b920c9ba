"""The revocation lists of a trust store: read them, add one, remove some."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from cryptography import x509

from functions.aws import elbv2
from functions.environment import environment
from functions.errors import (
    AwsUnavailable,
    CrlDropsEntries,
    CrlNumberLower,
    CrlNumberReused,
    CrlRefused,
    RevocationAddUnclear,
    RevocationNotVerified,
)
from functions.models.states import ConvertedCrl
from functions.models.stored import AttachedList, Manifest
from functions.pki import crl, crl_checks, serial_number
from functions.trust_store.precedence import BY_NUMBER, Precedence

_MAX_SHOWN = 10


def read(trust_store_arn: str, manifest: Manifest) -> list[AttachedList]:
    """Return all lists that the trust store holds now, including those of other CAs.

    Lists of the manifest's baseline are not read again: an id's content never changes, and ids are never reused.

    """
    known = {attached.revocation_id: attached for attached in manifest.baseline(trust_store_arn).lists}
    return read_snapshot(trust_store_arn, manifest.issuer, manifest.wanted, known)


def read_snapshot(
    trust_store_arn: str,
    issuer: x509.Certificate,
    wanted: Collection[int],
    known: Mapping[int, AttachedList],
) -> list[AttachedList]:
    """Return a consistent snapshot of the trust store's lists; those in `known` are not read again.

    If a list is removed before its content is read, another execution has attached a newer one before removing it,
    so the lists are described again. Returning what is left could show an empty trust store, and executions would go
    on adding lists.

    Raises:
        AwsUnavailable: a list whose content could not be read is still described.

    """
    known, gone = dict(known), set[int]()
    while True:
        described = elbv2.describe_trust_store_revocations(trust_store_arn)
        if unreadable := gone.intersection(each["RevocationId"] for each in described):
            raise AwsUnavailable(f"{trust_store_arn} shows lists that cannot be read: {sorted(unreadable)}")
        for each in described:
            revocation_id, entries = each["RevocationId"], each["NumberOfRevokedEntries"]
            attached = known.get(revocation_id) or _classify(trust_store_arn, revocation_id, entries, issuer, wanted)
            if attached is None:
                gone.add(revocation_id)
                break
            known[revocation_id] = attached
        else:
            return [known[each["RevocationId"]] for each in described]


def _classify(
    trust_store_arn: str, revocation_id: int, entries: int, issuer: x509.Certificate, wanted: Collection[int]
) -> AttachedList | None:
    content = elbv2.get_trust_store_revocation_content(trust_store_arn, revocation_id)
    if content is None:
        return None
    foreign = AttachedList(revocation_id=revocation_id, number_of_revoked_entries=entries)
    try:
        parsed = _parse(content, wanted)
    except CrlRefused:
        return foreign
    is_ours = parsed.partial is None and crl_checks.is_issued_by(parsed, issuer)
    if is_ours:
        return attached_list(revocation_id, entries, parsed)
    return foreign.model_copy(update={"next_update": parsed.next_update})


def attached_list(revocation_id: int, entries: int, parsed: crl.Crl) -> AttachedList:
    """Return the description of a list of this CA whose content was read."""
    return AttachedList(
        revocation_id=revocation_id,
        number_of_revoked_entries=entries,
        crl_number=parsed.crl_number,
        sha256=parsed.sha256,
        this_update=parsed.this_update,
        next_update=parsed.next_update,
        held_serials=sorted(parsed.held_serials),
    )


def _parse(content: bytes, wanted: Collection[int]) -> crl.Crl:
    return crl.read(content, wanted=wanted, max_entries=environment().max_revocation_entries)


def read_back(trust_store_arn: str, revocation_id: int, manifest: Manifest) -> tuple[AttachedList, crl.Crl]:
    """Read a list of this CA from the trust store now, and verify its signature, completeness and count.

    Raises:
        RevocationNotVerified: it is gone, not a complete CRL of this CA, or its content does not hold as many entries
            as the trust store counts.

    """
    described = elbv2.describe_trust_store_revocations(trust_store_arn)
    counts = {each["RevocationId"]: each["NumberOfRevokedEntries"] for each in described}
    content = elbv2.get_trust_store_revocation_content(trust_store_arn, revocation_id)
    if content is None or revocation_id not in counts:
        raise RevocationNotVerified(f"list {revocation_id} of {trust_store_arn} is not visible")
    parsed = _parse(content, manifest.wanted)
    if not crl_checks.is_complete_base(parsed) or not crl_checks.is_issued_by(parsed, manifest.issuer):
        raise RevocationNotVerified(f"list {revocation_id} of {trust_store_arn} is not a complete CRL of this CA")
    if counts[revocation_id] != parsed.number_of_revoked_entries:
        raise RevocationNotVerified(
            f"list {revocation_id} of {trust_store_arn} counts NumberOfRevokedEntries {counts[revocation_id]}, "
            f"its content holds {parsed.number_of_revoked_entries}"
        )
    return attached_list(revocation_id, counts[revocation_id], parsed), parsed


def add(trust_store_arn: str, converted: ConvertedCrl, manifest: Manifest) -> int:
    """Add a list and return its id; after an unknown result, look for the list instead of adding it twice.

    Raises:
        RevocationAddUnclear: the result is unknown, and the list is not visible (yet); a retried step looks first.

    """
    try:
        return elbv2.add_trust_store_revocations(trust_store_arn, converted.pem)
    except elbv2.ResultUnknown as error:
        for attached in reversed(BY_NUMBER.ranked(read(trust_store_arn, manifest))):
            if attached.sha256 == converted.sha256:
                return attached.revocation_id
        raise RevocationAddUnclear(f"{error}; CRL number {converted.crl_number} is not among the lists") from error


def remove(trust_store_arn: str, revocation_ids: Sequence[int]) -> None:
    """Remove lists; one that is gone already counts as removed."""
    if not revocation_ids or elbv2.remove_trust_store_revocations(trust_store_arn, list(revocation_ids)):
        return
    # One of several was unknown: AWS does not document whether the others were removed.
    present = {each["RevocationId"] for each in elbv2.describe_trust_store_revocations(trust_store_arn)}
    for revocation_id in present.intersection(revocation_ids):
        elbv2.remove_trust_store_revocations(trust_store_arn, [revocation_id])


def find_equivalent(
    trust_store_arn: str,
    lists: Sequence[AttachedList],
    newest: crl_checks.HasCrlNumber,
    precedence: Precedence,
    read_crl: Callable[[], crl.Crl],
) -> int | None:
    """Return the id of an attached list that makes adding this CRL unnecessary, else None.

    It is that CRL, or a newer one that holds as many of the wanted serials. `read_crl` is called only if needed.

    Raises:
        CrlNumberLower, CrlNumberReused: what is attached contradicts it.

    """
    winner, number = precedence.winner(lists), newest.crl_number or 0
    if winner is None or winner.rank < (number, 0):
        return None
    if not precedence.is_preferred(winner):
        require_no_serial_lost(trust_store_arn, lists, read_crl())
        return None
    if winner.crl_number == number:
        if winner.sha256 != newest.sha256:
            raise CrlNumberReused(
                f"CRL number {number} is attached as list {winner.revocation_id} with other bytes: "
                f"SHA-256 {winner.sha256} there, {newest.sha256} here"
            )
        return winner.revocation_id
    if lacking := read_crl().held_serials - set(winner.held_serials):
        raise CrlNumberLower(
            f"CRL number {number} is lower than the attached {winner.crl_number} "
            f"(list {winner.revocation_id}), which lacks {len(lacking)} wanted serials"
        )
    return winner.revocation_id


def find_superseded(
    trust_store_arn: str,
    lists: Sequence[AttachedList],
    verified: AttachedList,
    precedence: Precedence,
    read_crl: Callable[[], crl.Crl],
) -> list[int]:
    """Return the ids of this CA's lists that a verified one supersedes. `read_crl` is called only if needed.

    Raises:
        CrlNumberLower: a list of a higher number holds serials that the preferred CRL lacks.
        CrlNumberReused: a list has the verified one's number and other bytes.

    """
    if precedence.preferred_sha256:
        require_no_serial_lost(trust_store_arn, lists, read_crl())
    return precedence.superseded_by(verified, lists)


def require_no_serial_lost(trust_store_arn: str, lists: Sequence[AttachedList], newest: crl.Crl) -> None:
    """Refuse a CRL that lacks a serial of this CA's attached lists of a higher number.

    Raises:
        CrlNumberLower: it lacks some; the first ten are named.
        AwsUnavailable: a list was removed meanwhile, so they cannot be compared.

    """
    higher = [each for each in BY_NUMBER.ranked(lists) if (each.crl_number or 0) > (newest.crl_number or 0)]
    if lost := _lost(trust_store_arn, higher, newest):
        raise CrlNumberLower(
            f"CRL number {newest.crl_number} is lower than the attached {higher[-1].crl_number} of "
            f"{trust_store_arn} and lacks {lost}"
        )


def require_no_entry_dropped(trust_store_arn: str, lists: Sequence[AttachedList], newest: crl.Crl) -> None:
    """Refuse a CRL that lacks a serial of any of this CA's attached lists.

    Raises:
        CrlDropsEntries: it lacks some; the first ten are named.
        AwsUnavailable: a list was removed meanwhile, so they cannot be compared.

    """
    if lost := _lost(trust_store_arn, BY_NUMBER.ranked(lists), newest):
        raise CrlDropsEntries(
            f"CRL number {newest.crl_number} has {newest.number_of_revoked_entries} entries and lacks {lost} by "
            f"{trust_store_arn}. A CRL does not show whether the certificates that it drops have expired: if these "
            "have, or are to be accepted again, start again with AcceptDroppedEntries"
        )


def _lost(trust_store_arn: str, lists: Sequence[AttachedList], newest: crl.Crl) -> str:
    """Return a phrase with the serials of these lists that a CRL lacks, empty if it has them all."""
    held = read_serial_numbers(trust_store_arn, lists)
    if held is None:
        raise AwsUnavailable(f"a list of {trust_store_arn} was removed while it was compared")
    lost = sorted(held - crl.serial_numbers(newest))
    shown = [*map(serial_number.to_hex, lost[:_MAX_SHOWN]), *(["…"] if len(lost) > _MAX_SHOWN else [])]
    return f"{len(lost)} serials that are refused now ({', '.join(shown)})" if lost else ""


def count_distinct_entries(trust_store_arn: str, lists: Sequence[AttachedList]) -> int:
    """Return the number of serials in this CA's lists; one that is in several counts once."""
    ours = BY_NUMBER.ranked(lists)
    if len(ours) == 1:
        return ours[0].number_of_revoked_entries
    return len(set[int]().union(*(serials for serials in _contents(trust_store_arn, ours) if serials)))


def read_serial_numbers(trust_store_arn: str, lists: Sequence[AttachedList]) -> set[int] | None:
    """Return all serials in these lists, or None if one of the lists is gone."""
    contents = list(_contents(trust_store_arn, lists))
    return None if None in contents else set[int]().union(*filter(None, contents))


def _contents(trust_store_arn: str, lists: Sequence[AttachedList]) -> Iterator[set[int] | None]:
    for attached in lists:
        content = elbv2.get_trust_store_revocation_content(trust_store_arn, attached.revocation_id)
        yield None if content is None else crl.serial_numbers(_parse(content, ()))

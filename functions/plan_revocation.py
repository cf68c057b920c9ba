"""PlanRevocation: a dry run. It reads what an execution would read, and calls nothing that changes anything."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from cryptography import x509

from functions import assessment, attached_lists, aws, crl, drift, head_room, outcomes
from functions.contracts import Drift, DriftStatus, Failure, RevocationOutcome
from functions.crl import Crl
from functions.deployment import deployment
from functions.errors import AwsCallRefused, AwsUnavailable, CrlRefused, RevocationError, SerialsNotRevoked
from functions.plan import Plan, PlannedCrl, PlannedOutcome, PlannedSerial, PlannedTrustStore
from functions.records import AttachedList, Manifest
from functions.request import ExecutionInput
from functions.serials import write
from functions.task import task

# GetCertificate: 75 calls a second. What follows these is counted, and unknown until tried.
_LOOKED_UP = 300
_READERS = 8
_LARGEST_OUTPUT = 200_000
_SHOWN = 200
# One state transition: USD 0.025 a thousand. A revocation takes one a serial or batch, each look at the CRL four.
_USD_A_TRANSITION = 0.025 / 1000
_FIXED_TRANSITIONS, _A_LOOK, _A_TRUST_STORE = 14, 4, 6
_CRL_SECONDS = 1_800  # "Private CA typically publishes about 30 minutes after a revocation" (aws: crl-planning)
_SECONDS_A_TRUST_STORE = 10.0  # one write every five seconds: an add and a remove


def plan_revocation(question: ExecutionInput, now: datetime) -> Plan:
    """Say what an execution with this input would do; whatever would be refused is told, not raised."""
    try:
        return _cut(_plan(assessment.assess(question, now), now))
    except AwsUnavailable as fault:
        return Plan(outcome=PlannedOutcome.UNKNOWN, error=type(fault).__name__, cause=str(fault))
    except RevocationError as refusal:
        return Plan(outcome=PlannedOutcome.REFUSED, error=type(refusal).__name__, cause=str(refusal))


def _plan(manifest: Manifest, now: datetime) -> Plan:
    issuer = manifest.issuer.subject.rfc4514_string()[:_SHOWN]
    common = {"certificate_authority_arn": manifest.request.certificate_authority_arn, "issuer": issuer}
    return (_of_drift if manifest.request.reconcile or manifest.handed_over else _of_serials)(manifest, now).model_copy(
        update=common
    )


# ---------------------------------------------------------------------------------------------------- serials


def _of_serials(manifest: Manifest, now: datetime) -> Plan:
    planned_crl, current = _crl(manifest, now)
    listed = _serials(manifest, current, now)
    counts = Counter(each.expected for each in listed)
    wanted = manifest.wanted - {each.serial for each in listed if _is_never_waited_for(each, now)}
    missing = wanted - (current.held if current else frozenset())
    planned_crl = planned_crl.model_copy(
        update={"wanted_held": len(wanted) - len(missing), "wanted_missing": len(missing)}
    )
    stores = [
        _trust_store(baseline.trust_store_arn, baseline.lists, current, wanted=wanted, missing=missing)
        for baseline in manifest.baselines
    ]
    return _totals(
        Plan(
            outcome=PlannedOutcome.SUCCEEDED,
            number_of_serials=len(manifest.request.serials),
            expected={outcome.value if outcome else "UNKNOWN": number for outcome, number in counts.items()}
            | ({"NOT_LOOKED_UP": left} if (left := len(manifest.request.serials) - len(listed)) else {}),
            serials=listed,
            crl=planned_crl,
            trust_stores=stores,
            batches=len(outcomes.batches(len(manifest.request.serials))),
            unknown_until_tried=_unknown(manifest, listed, missing),
        ),
        waits=bool(missing),
    )


def _is_never_waited_for(each: PlannedSerial, now: datetime) -> bool:
    """Say whether no CRL will hold it: it fails, or has expired, be it revoked before or not."""
    return each.expected is RevocationOutcome.FAILED or (each.not_after is not None and each.not_after < now)


def _crl(manifest: Manifest, now: datetime) -> tuple[PlannedCrl, Crl | None]:
    """Read the CRL that lies in S3; one that is refused counts as absent, for it lay there before."""
    planned = PlannedCrl(location=f"s3://{manifest.crl.bucket}/{manifest.crl.key}")
    try:
        fetched = aws.get_object(manifest.crl.bucket, manifest.crl.key)
        if fetched is None:
            return planned, None
        found = crl.read(fetched.body, wanted=manifest.wanted, max_entries=deployment().max_revocation_entries)
        crl.check(found, issuer=manifest.issuer, now=now)
    except CrlRefused as refusal:
        return planned.model_copy(update={"refusal": _failure(refusal)}), None
    described = {
        "crl_number": found.crl_number,
        "this_update": found.this_update,
        "next_update": found.next_update,
        "number_of_revoked_entries": found.number_of_revoked_entries,
    }
    return planned.model_copy(update=described), found


def _serials(manifest: Manifest, current: Crl | None, now: datetime) -> list[PlannedSerial]:
    arn, held = manifest.request.certificate_authority_arn or "", current.held if current else frozenset()
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(lambda each: _serial(arn, each, held, now), manifest.request.serials[:_LOOKED_UP]))


def _serial(arn: str, serial: int, held: frozenset[int], now: datetime) -> PlannedSerial:
    try:
        pem = aws.get_certificate(arn, f"{serial:032x}")
    except AwsCallRefused as refusal:
        if (code := aws.code_of(refusal)) == "ResourceNotFoundException":
            return PlannedSerial(serial=serial, expected=RevocationOutcome.FAILED, why=code)
        return PlannedSerial(serial=serial, why=f"GetCertificate was refused: {code}")
    certificate = x509.load_pem_x509_certificate(pem.encode())
    shown = PlannedSerial(
        serial=serial,
        subject=certificate.subject.rfc4514_string()[:_SHOWN],
        issuer=certificate.issuer.rfc4514_string()[:_SHOWN],
        not_after=certificate.not_valid_after_utc,
    )
    if certificate.not_valid_after_utc < now:
        why = "it has expired: EXPIRED if it was revoked before that, FAILED otherwise"
        return shown.model_copy(update={"why": why})
    outcome = RevocationOutcome.ALREADY_REVOKED if serial in held else RevocationOutcome.REVOKED
    return shown.model_copy(update={"expected": outcome})


def _unknown(manifest: Manifest, listed: list[PlannedSerial], missing: frozenset[int]) -> list[str]:
    told = ["whether Private CA throttles or refuses a call", "whether somebody else changes a trust store meanwhile"]
    if any(each.expected is RevocationOutcome.REVOKED for each in listed):
        told.append("whether a certificate was revoked since the last CRL: it would be ALREADY_REVOKED")
    if expired := sum(each.expected is None for each in listed):
        told.append(f"what becomes of {expired} serials that have no expected outcome")
    if missing:
        told.append("when the next CRL comes, and how many entries it has")
    if len(manifest.request.serials) > len(listed):
        told.append(f"which certificates {len(manifest.request.serials) - len(listed)} of the serials are")
    return told


# ------------------------------------------------------------------------------------------------ trust stores


def _trust_store(
    arn: str,
    lists: list[AttachedList],
    current: Crl | None,
    *,
    wanted: frozenset[int],
    missing: frozenset[int],
) -> PlannedTrustStore:
    """Say what would be attached now, what later, and what would go."""
    ours, winner = attached_lists.of_this_ca(lists), attached_lists.winner(lists)
    adds_now = current is not None and bool(wanted - missing) and not _does_as_much(winner, current)
    adds_next = bool(missing)
    entries = (current.number_of_revoked_entries if current else winner.number_of_revoked_entries if winner else 0) + (
        len(missing) if adds_next else 0
    )
    removed = ours if adds_now or adds_next else ours[:-1] if wanted else []
    planned = PlannedTrustStore(
        trust_store_arn=arn,
        lists=len(lists),
        entries=head_room.used(lists),
        add_crl_number=current.crl_number if adds_now and current else None,
        add_next_crl=adds_next,
        remove_revocation_ids=[each.revocation_id for each in removed],
        head_room=head_room.figures(lists, entries if adds_now or adds_next else 0),
    )
    if (adds_now or adds_next) and (full := _full(arn, lists, entries)):
        return planned.model_copy(update={"refusal": full, "remove_revocation_ids": []})
    return planned


def _does_as_much(winner: AttachedList | None, current: Crl) -> bool:
    """Say whether the list in force is this CRL, or a newer one that holds as many of the wanted serials."""
    if winner is None or winner.rank < (current.crl_number or 0, 0):
        return False
    return winner.sha256 == current.sha256 or current.held <= set(winner.held_serials)


def _full(arn: str, lists: list[AttachedList], entries: int) -> Failure | None:
    try:
        superfluous = head_room.leftovers(lists)
    except RevocationError as refusal:
        return _failure(refusal)
    left = [each for each in lists if each.revocation_id not in superfluous]
    if head_room.fits(lists, entries) or head_room.fits(left, entries):
        return None
    return Failure(error="TrustStoreFull", cause=f"{arn} has no room: {head_room.figures(left, entries)}")


def _failure(refusal: RevocationError) -> Failure:
    return Failure(error=type(refusal).__name__, cause=str(refusal))


# ---------------------------------------------------------------------------------------------- without serials


def _of_drift(manifest: Manifest, now: datetime) -> Plan:
    seen = drift.look(manifest, now)
    found = seen.drift
    differ = {each.trust_store_arn: each for each in found.trust_stores}
    entries = seen.newest.number_of_revoked_entries if seen.newest else 0
    stores = [_of_lists(arn, lists, found, entries, differs=arn in differ) for arn, lists in seen.lists.items()]
    planned = PlannedCrl(
        location=f"s3://{manifest.crl.bucket}/{manifest.crl.key}",
        crl_number=found.crl_number,
        this_update=seen.newest.this_update if seen.newest else None,
        next_update=seen.newest.next_update if seen.newest else None,
        number_of_revoked_entries=entries if seen.newest else None,
        refusal=found.refusal,
    )
    made = Plan(
        outcome=PlannedOutcome.SUCCEEDED,
        crl=planned,
        drift=found,
        trust_stores=stores,
        unknown_until_tried=["whether somebody else changes a trust store meanwhile"],
    )
    return _totals(made, waits=False)


def _of_lists(arn: str, lists: list[AttachedList], found: Drift, entries: int, *, differs: bool) -> PlannedTrustStore:
    ours = attached_lists.of_this_ca(lists)
    adds = differs and not any(each.crl_number == found.crl_number for each in ours)
    kept = [each for each in ours if each.crl_number == found.crl_number][-1:]
    return PlannedTrustStore(
        trust_store_arn=arn,
        lists=len(lists),
        entries=head_room.used(lists),
        add_crl_number=found.crl_number if adds else None,
        remove_revocation_ids=[each.revocation_id for each in ours if each not in kept] if differs else [],
        head_room=head_room.figures(lists, entries if adds else 0),
        refusal=_full(arn, lists, entries) if adds else None,
    )


# ------------------------------------------------------------------------------------------------ all together


def _totals(made: Plan, *, waits: bool) -> Plan:
    """Add up time and cost, and say what it would come to."""
    calls = made.batches or made.number_of_serials
    stores = sum(bool(store.add_crl_number or store.add_next_crl) for store in made.trust_stores)
    looks = _CRL_SECONDS // deployment().poll_interval_seconds if waits else 1
    transitions = _FIXED_TRANSITIONS + calls + looks * _A_LOOK + len(made.trust_stores) * _A_TRUST_STORE
    error, cause = _undone(made)
    return made.model_copy(
        update={
            "outcome": PlannedOutcome.FAILED if error else PlannedOutcome.SUCCEEDED,
            "error": error,
            "cause": cause,
            "seconds_revoking": round(made.number_of_serials / deployment().revocations_per_second, 1),
            "seconds_waiting_for_crl": _CRL_SECONDS if waits else 0,
            "seconds_enforcing": stores * _SECONDS_A_TRUST_STORE,
            "state_transitions": transitions,
            "cost_usd": round(transitions * _USD_A_TRANSITION, 4),
        }
    )


def _undone(made: Plan) -> tuple[str | None, str | None]:
    for store in made.trust_stores:
        if store.refusal:
            return store.refusal.error, store.refusal.cause
    if failed := [each for each in made.serials if each.expected is RevocationOutcome.FAILED]:
        told = ", ".join(f"{write(each.serial)} ({each.why})" for each in failed[:10])
        return SerialsNotRevoked.__name__, f"{len(failed)} of {made.number_of_serials} would not be revoked: {told}"
    if made.drift and made.drift.status is not DriftStatus.NONE and made.drift.refusal:
        return made.drift.refusal.error, made.drift.refusal.cause
    return None, None


def _cut(made: Plan) -> Plan:
    """Keep the output below what a state may hold: the serials are cut, their counts stay."""
    while made.serials and len(made.model_dump_json(exclude_none=True)) > _LARGEST_OUTPUT:
        made = made.model_copy(update={"serials": made.serials[: len(made.serials) // 2]})
    return made.model_copy(update={"serials_not_shown": made.number_of_serials - len(made.serials)})


handler = task(plan_revocation)

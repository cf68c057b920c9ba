"""ReportRevocation tells what became of everything, however far the execution came, and claims what was read."""

import json
from datetime import timedelta

from functions import workflow_bucket
from functions.models.report import PROVEN
from functions.models.states import (
    ConvertedCrl,
    CrlStatus,
    Failure,
)
from functions.pki import serial_number
from tests.support.pki import NOW
from tests.support.reporting import (
    ALREADY,
    EXPIRED,
    FAILED,
    REVOKED,
    done,
    found,
    prepared,
    report,
    revocations,
)
from tests.support.steps import A, B, Bench, C, D


def test_everything_done(bench: Bench) -> None:
    """It succeeds, and says how many, how long it took, and what is proven."""
    told = report(bench, **done(bench))
    location = told.location
    assert (location.outcome, location.error, location.cause) == ("SUCCEEDED", None, None)
    assert (location.proven, location.crl_number) == (PROVEN, 2)
    assert location.time_to_enforcement_seconds == told.report.time_to_enforcement_seconds
    assert location.summary is not None
    assert location.summary.model_dump(by_alias=False) == {
        "serials": 2,
        "revoked": 1,
        "already_revoked": 1,
        "expired": 0,
        "failed": 0,
        "in_crl": 2,
        "enforced": 2,
    }
    assert "**2 of 2 certificates are enforced**: attached and read back" in told.text


def test_trust_store(bench: Bench) -> None:
    """Ids, entries before and after, new, dropped and net, and the three totals."""
    (store,) = report(bench, **done(bench)).report.trust_stores
    assert (store.revocation_id, store.added_revocation_ids, store.removed_revocation_ids) == (2, [2], [1])
    assert (store.entries_before, store.entries_after) == (2, 3)
    assert (store.entries_new, store.entries_dropped, store.entries_net) == (2, 1, 1)
    assert store.dropped_serials == [D]
    totals = store.total_revoked_entries_before, store.total_revoked_entries_between, store.total_revoked_entries_after
    assert totals == (2, 5, 3)
    assert store.count_rose
    assert store.count_explained.startswith("1 wanted serials are in the list read back")


def test_count_that_did_not_rise(bench: Bench) -> None:
    """A newer CRL drops what has expired: a net below zero is explained."""
    bench.add(bench.authority.crl([A, C, D], number=1))
    manifest = bench.manifest(B)
    converted = bench.convert(bench.authority.crl([B], number=2), manifest)
    state = {"prepared": prepared(manifest), "revocations": revocations({B: REVOKED}), "converted": converted}
    (store,) = report(bench, **state, trust_stores=[bench.enforce(manifest, converted)]).report.trust_stores
    assert (store.entries_net, store.count_rose) == (-2, True)
    assert store.count_explained.endswith(
        "The net is -2 all the same: a CRL drops certificates once they have expired."
    )


def test_nothing_new(bench: Bench) -> None:
    """A second run says that nothing had to rise."""
    crl = bench.authority.crl([A])
    bench.add(crl)
    manifest = bench.manifest(A)
    converted = bench.convert(crl, manifest)
    state = {"prepared": prepared(manifest), "revocations": revocations({A: ALREADY}), "converted": converted}
    told = report(bench, **state, trust_stores=[bench.enforce(manifest, converted)])
    (store,) = told.report.trust_stores
    assert (told.report.outcome, store.count_rose, store.entries_new) == ("SUCCEEDED", False, 0)
    assert store.count_explained == "The count did not have to rise: all 1 wanted serials found were in force before."


def test_steps_in_order(bench: Bench) -> None:
    """Polling is one step, from the first look to the last; a Map one for each trust store."""
    steps = report(bench, **done(bench)).report.steps
    name = bench.trust_store_arn.split("/")[1]
    assert {step.step for step in steps} == {
        "PrepareRevocation",
        "RevokeCertificates",
        "FindCrl",
        f"AttachCrl {name}",
        f"VerifyRevocation {name}",
        f"RemoveSupersededCrls {name}",
    }
    assert steps == sorted(steps, key=lambda step: step.started_at)
    assert next(step.seconds for step in steps if step.step == "FindCrl") == 1_795


def test_who_and_why(bench: Bench) -> None:
    """Free words stay on one line of the text, and cannot write Markdown."""
    told = report(bench, **done(bench, ticket="SEC-1\n# Forged `code`", requested_by="ann"))
    assert told.report.ticket == "SEC-1\n# Forged `code`"
    assert "* Ticket: `SEC-1 # Forged 'code'`" in told.text
    assert "* Requested by: `ann`" in told.text


def test_query(bench: Bench) -> None:
    """The query names each serial as the connection log writes it."""
    told = report(bench, **done(bench, {A: REVOKED, B: REVOKED, 0x12: FAILED}))
    assert told.report.connection_log_query is not None
    assert f"IN ('{A:X}', '{B:X}', '12')" in told.report.connection_log_query
    assert told.report.connection_log_query in told.text


def test_before_prepared(bench: Bench) -> None:
    """A refused input has a report too, of what is known: the refusal and what to do."""
    cause = json.dumps({"errorMessage": "Serials: Field required", "errorType": "InvalidInput"})
    told = report(bench, request={"Serials": 7}, failure=Failure(error="InvalidInput", cause=cause))
    assert (told.location.outcome, told.location.error) == ("FAILED", "InvalidInput")
    assert str(told.location.cause).startswith("Serials: Field required. Nothing was done.")
    assert str(told.location.cause).endswith(f"executions/{bench.name}/report.md")
    assert (told.report.summary, told.report.trust_stores, told.location.proven) == (None, [], "nothing")
    assert "**What to do:** Nothing was done." in told.text


def test_failed_while_revoking(bench: Bench) -> None:
    """Serials that Private CA was never asked about are told so."""
    manifest = bench.manifest(A)
    failure = Failure(error="States.Timeout", cause="")
    told = report(bench, prepared=prepared(manifest), trust_stores=[bench.store()], failure=failure)
    assert told.report.serials[0].outcome is None
    assert "| not attempted | no | no |" in told.text
    assert told.report.trust_stores[0].proven == "nothing: no list of this execution was read back"


def test_no_crl_came(bench: Bench) -> None:
    """The deadline passed: what was revoked is not blocked, and nobody claims that it is."""
    bench.add(bench.authority.crl([A], number=1))
    manifest = bench.manifest(A, B)
    told = report(
        bench,
        prepared=prepared(manifest),
        revocations=revocations({A: REVOKED, B: REVOKED}),
        found=found(CrlStatus.NOT_YET, A, B),
        trust_stores=[bench.store()],
    )
    assert told.location.error == "CrlNotPublished"
    assert told.enforced == []
    assert told.report.crl is None
    assert "CloudWatch metric MisconfiguredCRLBucket" in str(told.report.what_to_do)


def test_crl_refused(bench: Bench) -> None:
    """The CRL that came last is named with what was wrong with it."""
    refusal = Failure(error="CrlSignatureInvalid", cause="another key")
    told = report(
        bench,
        prepared=prepared(bench.manifest(A)),
        revocations=revocations({A: REVOKED}),
        found=found(CrlStatus.INVALID, A, wanted=1, refusal=refusal),
        trust_stores=[bench.store()],
    )
    assert told.location.error == "CrlSignatureInvalid"
    assert "* CRL refused last: CrlSignatureInvalid: another key" in told.text


def test_one_of_two_trust_stores_failed(bench: Bench) -> None:
    """A serial is enforced when every trust store holds it; each trust store tells of itself."""
    other = bench.fresh()
    manifest = bench.manifest(A, trust_store_arns=[bench.trust_store_arn, other.trust_store_arn])
    converted = bench.convert(bench.authority.crl([A]), manifest)
    failure = Failure(error="TrustStoreFull", cause=json.dumps({"errorMessage": "30 lists of 30"}))
    stores = [bench.enforce(manifest, converted), other.store(failure=failure)]
    told = report(
        bench,
        prepared=prepared(manifest),
        revocations=revocations({A: REVOKED}),
        found=found(CrlStatus.COMPLETE, wanted=1),
        converted=converted,
        trust_stores=stores,
    )
    assert told.location.error == "TrustStoreFull"
    assert "30 lists of 30" in str(told.location.cause)
    assert told.enforced == []
    assert told.report.serials[0].in_crl
    assert [each.proven for each in told.report.trust_stores] == [
        PROVEN,
        "nothing: no list of this execution was read back",
    ]
    assert told.location.proven == "nothing"


def test_failed_after_it_was_read_back(bench: Bench) -> None:
    """A removal that failed does not undo what was read back, and is told all the same."""
    state = done(bench)
    (store,) = state["trust_stores"]
    failure = Failure(error="TrustStoreThrottled", cause="")
    told = report(bench, **{**state, "trust_stores": [store.model_copy(update={"failure": failure})]})
    assert told.location.outcome == "FAILED"
    assert told.enforced == [A, B]


def test_trust_store_deleted(bench: Bench) -> None:
    """What was read back from a trust store that is gone is in force no more."""
    state = done(bench)
    (store,) = state["trust_stores"]
    failure = Failure(error="TrustStoreNotFound", cause="gone")
    told = report(bench, **{**state, "trust_stores": [store.model_copy(update={"failure": failure})]})
    assert told.enforced == []
    assert told.report.trust_stores[0].failure == failure
    assert "Nothing was done" not in str(told.report.what_to_do)


def test_not_read_back_though_nothing_failed(bench: Bench) -> None:
    """Success is claimed for what was read back, and for no more."""
    told = report(
        bench,
        prepared=prepared(bench.manifest(A)),
        revocations=revocations({A: REVOKED}),
        found=found(CrlStatus.COMPLETE, wanted=1),
        trust_stores=[bench.store()],
    )
    assert told.location.error == "RevocationNotVerified"
    assert serial_number.to_hex(A) in str(told.location.cause)


def test_one_serial_not_revoked(bench: Bench) -> None:
    """The others are enforced, and the execution fails all the same."""
    state = done(bench, {A: REVOKED, B: REVOKED, 0x12: FAILED})
    told = report(
        bench,
        **{**state, "revocations": revocations({A: REVOKED, B: REVOKED, 0x12: FAILED}, "ResourceNotFoundException")},
    )
    assert told.location.error == "SerialsNotRevoked"
    assert told.enforced == [A, B]
    assert "| 00:12 | FAILED (ResourceNotFoundException: this CA did not issue" in told.text


def test_expired_serials(bench: Bench) -> None:
    """Revoked before and expired since: nothing is left to enforce, and that is success."""
    told = report(
        bench,
        prepared=prepared(bench.manifest(A)),
        revocations=revocations({A: EXPIRED}),
        found=found(CrlStatus.NOTHING_WANTED, wanted=0),
        trust_stores=[bench.store()],
    )
    assert (told.location.outcome, told.location.proven) == ("SUCCEEDED", "nothing")
    assert told.location.time_to_enforcement_seconds is None
    assert "**1 of 1 were revoked before and have expired since**" in told.text


def test_two_rounds(bench: Bench) -> None:
    """A serial is enforced since it was first read back, not since the last round."""
    manifest = bench.manifest(A, B)
    first = bench.enforce(manifest, bench.convert(bench.authority.crl([A], number=1), manifest))
    converted = bench.convert(bench.authority.crl([A, B], number=2), manifest)
    store = bench.enforce(manifest, converted, first)
    told = report(
        bench,
        prepared=prepared(manifest),
        revocations=revocations({A: REVOKED, B: REVOKED}),
        found=found(CrlStatus.COMPLETE),
        converted=converted,
        trust_stores=[store],
    )
    since = {each.serial: each.enforced_at for each in told.report.serials}
    assert since[A] == bench.evidence(first).verified_at
    assert since[B] == bench.evidence(store).verified_at
    assert told.report.trust_stores[0].added_revocation_ids == [1, 2]
    assert told.report.trust_stores[0].removed_revocation_ids == [1]


def test_name_used_before(bench: Bench) -> None:
    """Evidence of an execution of the same name, 90 days ago, proves nothing now."""
    state = done(bench)
    (store,) = state["trust_stores"]
    old = bench.evidence(store).model_copy(update={"verified_at": NOW - timedelta(days=90)})
    workflow_bucket.put_evidence(bench.name, old)
    told = report(bench, **state)
    assert told.report.serials[0].enforced_at == bench.evidence(store).verified_at


def test_entries_that_nobody_knows(bench: Bench) -> None:
    """Unknown is written as unknown."""
    state = done(bench)
    (store,) = state["trust_stores"]
    unknown = store.verified.model_copy(update={"new_entries": None, "dropped_entries": None})
    told = report(bench, **{**state, "trust_stores": [store.model_copy(update={"verified": unknown})]})
    assert "* Entries new, dropped, net: unknown, unknown, 1" in told.text


def test_text_and_json_agree(bench: Bench) -> None:
    """Both name the CRL that was attached, by number and hash."""
    state = done(bench)
    converted: ConvertedCrl = state["converted"]
    told = report(bench, **state)
    assert told.report.crl is not None
    assert told.report.crl.sha256 == converted.sha256
    assert converted.sha256 in told.text
    assert "* CRL number: 2" in told.text

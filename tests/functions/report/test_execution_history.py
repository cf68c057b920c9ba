"""The state of an execution is rebuilt from its history as far as the history goes."""

from functions.models.states import GatheredState, RevocationOutcome
from functions.report.execution_history import rebuild_state
from tests.support.pki import A, B
from tests.support.reporting import prepared_state, revocations, state_entered, state_exited
from tests.support.steps import Steps


def test_items_of_an_unfinished_map(steps: Steps) -> None:
    """The results of items count although their Map has not ended; an input that is not a state is skipped."""
    (revocation,) = revocations({A: RevocationOutcome.REVOKED})
    result = revocation.model_dump(mode="json", exclude_none=True)
    store = {"TrustStoreArn": steps.trust_store_arn, "Failure": {"Error": "E", "Cause": "c"}}
    history = [
        {"stateEnteredEventDetails": {"name": "S", "input": "truncated {"}},
        state_entered({"Request": {"Serials": []}}),
        state_entered(prepared_state(steps, A, B)),
        state_exited("RevokeCertificate", result),
        state_exited("RevokeCertificates", [result]),
        state_exited("RevokeBatch", {"Batch": 0, "Revoked": 400}),
        state_exited("BatchNotRevoked", {"Batch": 1, "Error": "CertificateAuthorityBusy"}),
        state_exited("AttachCrl", {"TrustStore": store}),
    ]
    state = rebuild_state(history)
    assert [each.serial for each in state.revocations] == [A]
    assert [(each.batch, each.revoked, each.error) for each in state.batches] == [
        (0, 400, None),
        (1, 0, "CertificateAuthorityBusy"),
    ]
    assert state.trust_stores[0].failure


def test_state_of_another_version() -> None:
    """A state that this version cannot read leaves an empty state."""
    assert rebuild_state([state_entered({"Prepared": "of another version"})]) == GatheredState()


def test_nested_input(steps: Steps) -> None:
    """An input that is nested too deeply to be read leaves what else is known."""
    nested = {"stateEnteredEventDetails": {"name": "S", "input": "[" * 5_000 + "]" * 5_000}}
    state = rebuild_state([nested, state_entered(prepared_state(steps, A)), nested])
    assert state.trust_stores[0].trust_store_arn == steps.trust_store_arn

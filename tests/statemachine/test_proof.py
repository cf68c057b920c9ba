"""What counts as enforced: only what this execution has itself read back, and what was still there afterwards."""

from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.elbv2 import responses as embedded_elbv2
from tests.support.workflow import Workflow


def revoked_with_an_expired_list(workflow: Workflow) -> str:
    """Return a serial that is in an attached list whose nextUpdate has passed, and in no newer CRL."""
    (client,) = workflow.clients(1)
    workflow.run(client)
    workflow.aws.settings.private_ca.publishes_crls = False
    expired = acm_pca.publish_now(workflow.authority.arn, next_update=datetime.now(UTC) - timedelta(seconds=1))
    workflow.add(expired)
    return f"0x{client.serial:x}"


def test_expired_list_is_not_proof(workflow: Workflow) -> None:
    """Without a newer CRL the execution fails, because it is unknown whether an expired list blocks anybody."""
    serial = revoked_with_an_expired_list(workflow)
    execution = workflow.run(serial, seconds=1)
    assert (execution.status, execution.error) == ("FAILED", "CrlNotPublished")
    assert execution.enforced == set()
    assert execution.report["TrustStores"][0]["Proven"] != "attached and read back"


def test_bad_crl_fails_although_the_serial_is_blocked(workflow: Workflow) -> None:
    """A refused CRL is a failure, whatever the trust store held before."""
    serial = revoked_with_an_expired_list(workflow)
    another_key = ec.generate_private_key(ec.SECP256R1())
    workflow.when_it_looks(1, lambda: acm_pca.publish_now(workflow.authority.arn, signing_key=another_key))
    execution = workflow.run(serial, seconds=1)
    assert (execution.status, execution.error) == ("FAILED", "CrlSignatureInvalid")
    assert execution.enforced == set()


def test_verified_list_that_is_removed_repeatedly(workflow: Workflow) -> None:
    """If somebody removes each list after it was verified, the execution fails and calls nothing enforced."""
    arn = workflow.trust_store_arn
    first, second = workflow.clients(2)
    workflow.run(first)
    old = max(workflow.lists())

    def removing(action: str, resource: str) -> None:
        store = embedded_elbv2.trust_store(arn)
        if action == "s3:PutObject" and "/evidence/" in resource:  # it has just been verified
            store.remove([each.revocation_id for each in store.visible_lists if each.revocation_id != old])

    faults.observe(removing)
    execution = workflow.run(second)
    assert (execution.status, execution.error) == ("FAILED", "RevocationNotVerified")
    assert execution.enforced == set()
    assert old in workflow.lists(), "the older list must stay as long as the newer one does not"

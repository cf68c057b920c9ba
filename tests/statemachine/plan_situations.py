"""What a plan may meet: an input, and how the world was made ready for it."""

import time
from collections.abc import Callable
from typing import Any

from cryptography import x509

from infra.local.acm_pca import service as acm_pca
from infra.local.lab.pki import Client
from tests.support import pki
from tests.support.workflow import Workflow

Request = dict[str, Any]


def hexadecimal(client: Client) -> str:
    """Write a client's serial."""
    return f"0x{client.serial:x}"


def asked(workflow: Workflow, *wanted: Client | str, **more: Any) -> Request:  # noqa: ANN401 - fields
    """Make an input."""
    texts = [each if isinstance(each, str) else hexadecimal(each) for each in wanted]
    polling = {"IntervalSeconds": 1, "DeadlineSeconds": 10}
    return {"Serials": texts, "TrustStoreArns": [workflow.trust_store_arn], "Polling": polling, **more}


def fresh(workflow: Workflow) -> Request:
    """Two that nobody has revoked."""
    return asked(workflow, *workflow.clients(2))


def enforced_already(workflow: Workflow) -> Request:
    """One that was revoked and enforced before."""
    (client,) = workflow.clients(1)
    assert workflow.run(client).status == "SUCCEEDED"
    return asked(workflow, client)


def in_the_crl_alone(workflow: Workflow) -> Request:
    """One that was revoked elsewhere, whose CRL lies in S3 and is attached to nothing."""
    (client,) = workflow.clients(1)
    workflow.revoke_elsewhere(client)
    return asked(workflow, client)


def some_of_each(workflow: Workflow) -> Request:
    """One in the CRL, one fresh, one that was never issued."""
    case = in_the_crl_alone(workflow)
    (client,) = workflow.clients(1)
    return {**case, "Serials": [*case["Serials"], hexadecimal(client), "0xabcdef"]}


def never_issued(workflow: Workflow) -> Request:
    """None that this CA knows."""
    return asked(workflow, "0xabcdef")


def older_list_attached(workflow: Workflow) -> Request:
    """Fill a trust store with two older lists of this CA, and one of another."""
    for _ in range(2):
        workflow.add(acm_pca.publish_now(workflow.authority.arn))
    workflow.add(pki.certificate_authority("Other").crl([1]))
    return asked(workflow, *workflow.clients(1))


def full(workflow: Workflow) -> Request:
    """Fill a trust store with 30 lists of others."""
    other = pki.certificate_authority("Other")
    for number in range(30):
        workflow.add(other.crl([1], number=number + 1))
    return asked(workflow, *workflow.clients(1))


def two_trust_stores(workflow: Workflow) -> Request:
    """One that has the list already, and one that has not."""
    (client,) = workflow.clients(1)
    assert workflow.run(client).status == "SUCCEEDED"
    arns = [workflow.trust_store_arn, workflow.another_trust_store()]
    return asked(workflow, client, TrustStoreArns=arns)


def bad_serial(workflow: Workflow) -> Request:
    """Ask for an ambiguous one."""
    return asked(workflow, "1234")


def not_trusted(workflow: Workflow) -> Request:
    """Name a trust store for another CA."""
    return asked(workflow, *workflow.clients(1), TrustStoreArns=[workflow.another_trust_store(workflow.create_twin())])


def third_party_crl(workflow: Workflow) -> Request:
    """Hand over the root's CRL, which is nowhere attached."""
    return put_crl(workflow, 5)


def handed_over_and_lower(workflow: Workflow) -> Request:
    """Hand over the root's CRL, below the one that is attached."""
    workflow.add(workflow.with_key(workflow.lab.root).crl([5], number=9))
    return put_crl(workflow, 5)


HIGHEST = 10**15  # above every number of the embedded CA, which counts milliseconds since 1970


def attached(workflow: Workflow, number: int, *, held: bool = True) -> str:
    """Revoke one elsewhere, and attach a list of its CA with this number, that holds it or does not."""
    (serial,) = in_the_crl_alone(workflow)["Serials"]
    workflow.add(workflow.with_key(workflow.authority).crl([int(serial, 16)] if held else [5], number=number))
    return str(serial)


def impatient(workflow: Workflow, serial: str) -> Request:
    """Ask for what no CRL will ever satisfy."""
    return asked(workflow, serial, Polling={"IntervalSeconds": 1, "DeadlineSeconds": 2})


def attached_is_newer(workflow: Workflow) -> Request:
    """One whose CRL in S3 is older than the list that is attached, and holds it too."""
    return impatient(workflow, attached(workflow, HIGHEST))


def attached_is_newer_and_lacks_it(workflow: Workflow) -> Request:
    """Have the newer one not hold it."""
    return impatient(workflow, attached(workflow, HIGHEST, held=False))


def newer_in_one_of_two(workflow: Workflow) -> Request:
    """Nothing stands in the way in one trust store, and a newer list that lacks it in the other."""
    serial = attached(workflow, HIGHEST, held=False)
    return asked(workflow, serial, TrustStoreArns=[workflow.another_trust_store(), workflow.trust_store_arn])


def same_number_in_one_of_two(workflow: Workflow) -> Request:
    """Nothing in one, and in the other a list with the number of the CRL in S3 and other bytes."""
    (serial,) = in_the_crl_alone(workflow)["Serials"]
    number = workflow.crl_in_s3().extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    workflow.add(workflow.with_key(workflow.authority).crl([int(serial, 16)], number=number))
    return asked(workflow, serial, TrustStoreArns=[workflow.another_trust_store(), workflow.trust_store_arn])


def no_crl_in_s3(workflow: Workflow) -> Request:
    """One that an attached list refuses, and whose CRL is gone: nothing that is newly revoked brings another."""
    serial = attached(workflow, 7)
    workflow.delete_crl()
    return impatient(workflow, serial)


def expired(workflow: Workflow) -> Request:
    """One that has expired and that nobody has revoked."""
    (client,) = workflow.clients(1, {"Type": "ABSOLUTE", "Value": int(time.time()) + 3})
    time.sleep(3.5)
    return asked(workflow, client)


def full_in_one_of_two(workflow: Workflow) -> Request:
    """One fresh, and one of two trust stores full."""
    case = full(workflow)
    return {**case, "TrustStoreArns": [workflow.another_trust_store(), workflow.trust_store_arn]}


def handed_over_with_a_used_number(workflow: Workflow) -> Request:
    """Hand over the root's CRL, of a CA that has fallen back to a number that is attached."""
    workflow.add(workflow.with_key(workflow.lab.root).crl([5, 6], number=5))
    return put_crl(workflow, 5) | {"AcceptLowerCrlNumber": True}


def handed_over_and_fallen_back(workflow: Workflow) -> Request:
    """Hand over the root's CRL, below two that are attached and hold no more."""
    for number in (8, 9):
        workflow.add(workflow.with_key(workflow.lab.root).crl([5], number=number))
    return put_crl(workflow, 5) | {"AcceptLowerCrlNumber": True}


def reconcile_with_leftovers(workflow: Workflow) -> Request:
    """Reconcile two trust stores: one has an old list, one has two."""
    other = workflow.another_trust_store()
    for arn in (workflow.trust_store_arn, other, other):
        workflow.add(acm_pca.publish_now(workflow.authority.arn), arn)
    acm_pca.publish_now(workflow.authority.arn)
    return {"Reconcile": True, "TrustStoreArns": [workflow.trust_store_arn, other]}


def put_crl(workflow: Workflow, number: int) -> Request:
    """Hand over a CRL of the root."""
    bucket, key = workflow.lab.outputs["InputBucketName"], "inputs/root.crl"
    body = workflow.with_key(workflow.lab.root).crl([5], number=number)
    workflow.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return {"Crl": f"s3://{bucket}/{key}", "TrustStoreArns": [workflow.trust_store_arn]}


SITUATIONS: list[Callable[[Workflow], Request]] = [
    fresh,
    enforced_already,
    in_the_crl_alone,
    some_of_each,
    never_issued,
    older_list_attached,
    full,
    two_trust_stores,
    bad_serial,
    not_trusted,
    third_party_crl,
    handed_over_and_lower,
    attached_is_newer,
    attached_is_newer_and_lacks_it,
    newer_in_one_of_two,
    same_number_in_one_of_two,
    no_crl_in_s3,
    expired,
    full_in_one_of_two,
    handed_over_with_a_used_number,
    handed_over_and_fallen_back,
    reconcile_with_leftovers,
]

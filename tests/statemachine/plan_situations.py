"""Situations for a plan: each prepares CA and trust stores, and returns an input."""

from collections.abc import Callable
from typing import Any

from cryptography import x509

from infra.local.acm_pca import service as acm_pca
from infra.local.lab.pki import Client
from tests.support import pki
from tests.support.workflow import Workflow

Request = dict[str, Any]


def hexadecimal(client: Client) -> str:
    """Return a client's serial number with 0x."""
    return f"0x{client.serial:x}"


def request_for(workflow: Workflow, *wanted: Client | str, **more: Any) -> Request:  # noqa: ANN401 - fields
    """Return an input for these serials."""
    texts = [each if isinstance(each, str) else hexadecimal(each) for each in wanted]
    polling = {"IntervalSeconds": 1, "DeadlineSeconds": 10}
    return {"Serials": texts, "TrustStoreArns": [workflow.trust_store_arn], "Polling": polling, **more}


def fresh(workflow: Workflow) -> Request:
    """Prepare two serials that are not revoked."""
    return request_for(workflow, *workflow.clients(2))


def enforced_already(workflow: Workflow) -> Request:
    """Prepare one serial that was revoked and enforced before."""
    (client,) = workflow.clients(1)
    assert workflow.run(client).status == "SUCCEEDED"
    return request_for(workflow, client)


def only_in_the_crl(workflow: Workflow) -> Request:
    """Prepare one serial that was revoked elsewhere; its CRL is in S3 and not attached."""
    (client,) = workflow.clients(1)
    workflow.revoke_elsewhere(client)
    return request_for(workflow, client)


def one_of_each(workflow: Workflow) -> Request:
    """Prepare one serial in the CRL, one not revoked, one never issued."""
    case = only_in_the_crl(workflow)
    (client,) = workflow.clients(1)
    return {**case, "Serials": [*case["Serials"], hexadecimal(client), "0xabcdef"]}


def never_issued(workflow: Workflow) -> Request:
    """Request one serial that this CA has not issued."""
    return request_for(workflow, "0xabcdef")


def older_list_attached(workflow: Workflow) -> Request:
    """Prepare a trust store with two older lists of this CA, and one of another."""
    for _ in range(2):
        workflow.add(acm_pca.publish_now(workflow.authority.arn))
    workflow.add(pki.certificate_authority("Other").crl([1]))
    return request_for(workflow, *workflow.clients(1))


def full(workflow: Workflow) -> Request:
    """Prepare a trust store with 30 lists of others."""
    other = pki.certificate_authority("Other")
    for number in range(30):
        workflow.add(other.crl([1], number=number + 1))
    return request_for(workflow, *workflow.clients(1))


def two_trust_stores(workflow: Workflow) -> Request:
    """Prepare two trust stores, of which one has the list already."""
    (client,) = workflow.clients(1)
    assert workflow.run(client).status == "SUCCEEDED"
    arns = [workflow.trust_store_arn, workflow.another_trust_store()]
    return request_for(workflow, client, TrustStoreArns=arns)


def not_trusted(workflow: Workflow) -> Request:
    """Name a trust store for another CA."""
    return request_for(
        workflow, *workflow.clients(1), TrustStoreArns=[workflow.another_trust_store(workflow.create_twin())]
    )


def third_party_crl(workflow: Workflow) -> Request:
    """Upload the root's CRL, which is not attached yet."""
    return request_with_crl(workflow, 5)


HIGHEST = 10**15  # above every number of the embedded CA, which counts milliseconds since 1970


def attached(workflow: Workflow, number: int, *, held: bool = True) -> str:
    """Revoke a serial elsewhere, and attach a list of its CA that has this number and holds the serial or not."""
    (serial,) = only_in_the_crl(workflow)["Serials"]
    workflow.add(workflow.with_key(workflow.authority).crl([int(serial, 16)] if held else [5], number=number))
    return str(serial)


def with_short_deadline(workflow: Workflow, serial: str) -> Request:
    """Return an input with a short deadline, for a CRL that is never published."""
    return request_for(workflow, serial, Polling={"IntervalSeconds": 1, "DeadlineSeconds": 1})


def attached_is_newer(workflow: Workflow) -> Request:
    """Prepare a serial in the CRL in S3 and in the attached list, which is newer."""
    return with_short_deadline(workflow, attached(workflow, HIGHEST))


def attached_is_newer_without_it(workflow: Workflow) -> Request:
    """Prepare a serial in the CRL in S3 and not in the attached list, which is newer."""
    return with_short_deadline(workflow, attached(workflow, HIGHEST, held=False))


def newer_in_one_of_two(workflow: Workflow) -> Request:
    """Prepare two trust stores, of which one has a newer list without the serial."""
    serial = attached(workflow, HIGHEST, held=False)
    return request_for(workflow, serial, TrustStoreArns=[workflow.another_trust_store(), workflow.trust_store_arn])


def same_number_in_one_of_two(workflow: Workflow) -> Request:
    """Prepare two trust stores, of which one has another list with the number of the CRL in S3."""
    (serial,) = only_in_the_crl(workflow)["Serials"]
    number = workflow.crl_in_s3().extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    workflow.add(workflow.with_key(workflow.authority).crl([int(serial, 16)], number=number))
    return request_for(workflow, serial, TrustStoreArns=[workflow.another_trust_store(), workflow.trust_store_arn])


def no_crl_in_s3(workflow: Workflow) -> Request:
    """Prepare a serial in an attached list, without a CRL in S3; nothing is revoked, so none is published."""
    serial = attached(workflow, 7)
    workflow.delete_crl()
    return with_short_deadline(workflow, serial)


def expired(workflow: Workflow) -> Request:
    """Prepare an expired certificate that is not revoked."""
    (client,) = workflow.clients(1)
    workflow.expire(client)
    return request_for(workflow, client)


def full_in_one_of_two(workflow: Workflow) -> Request:
    """Prepare two trust stores, of which one is full."""
    case = full(workflow)
    return {**case, "TrustStoreArns": [workflow.another_trust_store(), workflow.trust_store_arn]}


def third_party_crl_with_an_accepted_lower_number(workflow: Workflow) -> Request:
    """Upload the root's CRL, with a lower number than two attached lists that hold no other serials."""
    for number in (8, 9):
        workflow.add(workflow.with_key(workflow.lab.root).crl([5], number=number))
    return request_with_crl(workflow, 5) | {"AcceptLowerCrlNumber": True}


def reconcile_with_leftovers(workflow: Workflow) -> Request:
    """Prepare a reconcile of two trust stores: one has an old list, the other two."""
    other = workflow.another_trust_store()
    for arn in (workflow.trust_store_arn, other, other):
        workflow.add(acm_pca.publish_now(workflow.authority.arn), arn)
    acm_pca.publish_now(workflow.authority.arn)
    return {"Reconcile": True, "TrustStoreArns": [workflow.trust_store_arn, other]}


def request_with_crl(workflow: Workflow, number: int) -> Request:
    """Upload a CRL of the root; return an input for it."""
    bucket, key = workflow.lab.outputs["InputBucketName"], "inputs/root.crl"
    body = workflow.with_key(workflow.lab.root).crl([5], number=number)
    workflow.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return {"Crl": f"s3://{bucket}/{key}", "TrustStoreArns": [workflow.trust_store_arn]}


SITUATIONS: list[Callable[[Workflow], Request]] = [
    fresh,
    enforced_already,
    only_in_the_crl,
    one_of_each,
    never_issued,
    older_list_attached,
    full,
    two_trust_stores,
    not_trusted,
    third_party_crl,
    attached_is_newer,
    attached_is_newer_without_it,
    newer_in_one_of_two,
    same_number_in_one_of_two,
    no_crl_in_s3,
    expired,
    full_in_one_of_two,
    third_party_crl_with_an_accepted_lower_number,
    reconcile_with_leftovers,
]

"""Helpers for tests of PrepareRevocation: they run the step and create CAs, CRL buckets and trust stores."""

import itertools
import json
from typing import Any

from functions import workflow_bucket
from functions.handlers.prepare_revocation import prepare_revocation
from functions.models.request import ExecutionInput
from functions.models.states import Prepared
from functions.models.stored import Manifest
from functions.pki import serial_number
from infra.local.lab.lab import create_trust_store
from infra.local.lab.pki import PrivateCa
from tests.support.pki import NOW, A
from tests.support.steps import EXECUTION, Steps

_names = itertools.count()


def prepare(steps: Steps, request: object = None, **more: Any) -> Prepared:  # noqa: ANN401 - fields of an input
    """Run the step with this input, or with a default serial and trust store and these fields."""
    if request is None:
        request = {"Serials": [serial_number.to_hex(A)], "TrustStoreArns": [steps.trust_store_arn], **more}
    event = ExecutionInput(
        request=request, execution_arn=EXECUTION + steps.name, execution_name=steps.name, start_time=NOW
    )
    return prepare_revocation(event, NOW)


def manifest(steps: Steps, **more: Any) -> Manifest:  # noqa: ANN401 - fields of an input
    """Run the step and return the manifest that it writes."""
    return workflow_bucket.get_manifest(prepare(steps, **more).manifest)


def create_crl_bucket(steps: Steps) -> str:
    """Create a bucket that every CA may write its CRL to; the lab's is for its own CA."""
    s3, name = steps.lab.aws.client("s3"), f"crls-{steps.name}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": steps.lab.aws.settings.region})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "acm-pca.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def create_ca(steps: Steps, **crl: Any) -> PrivateCa:  # noqa: ANN401 - fields of a CrlConfiguration
    """Create a root CA that publishes CRLs."""
    ca = PrivateCa.create_root(steps.lab.aws, f"CA {next(_names)}")
    ca.publish_crls_to(create_crl_bucket(steps), **crl)
    return ca


def trust_store_for(steps: Steps, authority: PrivateCa) -> str:
    """Create a trust store for a CA and return its ARN."""
    return create_trust_store(steps.lab.aws, f"ca-{steps.name}", [authority])

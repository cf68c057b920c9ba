"""The IAM policy for deployments: what CloudFormation needs for the template, and what SAM and make deploy call.

CloudFormation acts with the permissions of its caller. Those that it needs are published with each type's schema, as
`handlers`; cfn-lint ships the schemas. They name every action for every property, so the policy allows more than one
deployment uses.
"""

import functools
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import cfnlint

from infra.template import load_template

REGION = "eu-central-1"  # any in which the types exist; their handlers do not differ
STACK = "mtls-revocation"
BY_SAM = {
    "AWS::Serverless::Function": (
        *("AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig"),
        *("AWS::IAM::Role", "AWS::Events::Rule"),
    ),
    "AWS::Serverless::LayerVersion": ("AWS::Lambda::LayerVersion",),
    "AWS::Serverless::StateMachine": ("AWS::StepFunctions::StateMachine", "AWS::IAM::Role", "AWS::Events::Rule"),
}
# What is narrowed to the stack's own names, and to those of SAM's bucket: what it could do most harm with.
NARROWED = {
    "iam": [f"arn:aws:iam::*:role/{STACK}-*", f"arn:aws:iam::*:policy/{STACK}-*"],
    "s3": [f"arn:aws:s3:::{STACK}-*", "arn:aws:s3:::aws-sam-cli-managed-default-*"],
    "lambda": [f"arn:aws:lambda:*:*:function:{STACK}-*", f"arn:aws:lambda:*:*:layer:{STACK}-*"],
}
# SAM: the change set, its own stack with a bucket, and the package in it.
SAM = [
    *(f"cloudformation:{verb}ChangeSet" for verb in ("Create", "Delete", "Describe", "Execute")),
    *(f"cloudformation:{name}" for name in ("DescribeStacks", "DescribeStackEvents", "DescribeStackResources")),
    *(f"cloudformation:{name}" for name in ("GetTemplate", "GetTemplateSummary", "CreateStack", "DeleteStack")),
    *("s3:GetObject", "s3:PutObject", "s3:GetBucketLocation"),
]
# make deploy: the checks of each answer, what it offers to change, and the first reconcile.
CHECKS = [
    *(f"acm-pca:{name}CertificateAuthority" for name in ("Describe", "Update")),
    *("acm-pca:ListCertificateAuthorities", "acm-pca:GetCertificateAuthorityCertificate"),
    *("elasticloadbalancing:DescribeTrustStores", "elasticloadbalancing:GetTrustStoreCaCertificatesBundle"),
    *("kms:DescribeKey", "states:StartExecution"),
]
_OF_THE_ACCOUNT = ["s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets"]
_OF_OTHER_PRINCIPALS = re.compile(r"iam:\w*(Group|User)")  # the template attaches policies to roles alone


def resource_types() -> set[str]:
    """Return the types that the template deploys, those of SAM as what it makes of them."""
    declared = {resource["Type"] for resource in load_template()["Resources"].values()}
    return {type_ for name in declared for type_ in BY_SAM.get(name, (name,))}


@functools.cache
def _schemas() -> tuple[Path, dict[str, str]]:
    folder = Path(cfnlint.__file__).parent / "data" / "schemas"
    names: dict[str, str] = json.loads((folder / "providers" / f"{REGION}.json").read_text())
    return folder / "resources", names


def actions_of(type_: str) -> set[str]:
    """Return the actions of a type's own service, and iam:PassRole, that CloudFormation needs for it."""
    folder, names = _schemas()
    handlers: dict[str, Any] = json.loads((folder / f"{names[type_]}.json").read_text())["handlers"]
    namespace = type_.split("::")[1]
    service = "states" if namespace == "StepFunctions" else namespace.lower()
    needed = {action for handler in handlers.values() for action in handler["permissions"]}
    own = {action for action in needed if action.startswith(f"{service}:") or action == "iam:PassRole"}
    return {action for action in own if not _OF_OTHER_PRINCIPALS.match(action)}


def policy() -> str:
    """Return the policy as JSON, one statement for each service."""
    by_service: dict[str, set[str]] = defaultdict(set)
    for action in {*SAM, *CHECKS, *(action for type_ in resource_types() for action in actions_of(type_))}:
        by_service[action.partition(":")[0]].add(action)
    statements = [
        {
            "Sid": service.replace("-", "").capitalize(),
            "Effect": "Allow",
            "Action": "s3:*" if service == "s3" else sorted(actions),  # of S3 alone they would fill the policy
            "Resource": NARROWED.get(service, "*"),
        }
        for service, actions in sorted(by_service.items())
    ]
    statements.append({"Sid": "S3Account", "Effect": "Allow", "Action": _OF_THE_ACCOUNT, "Resource": "*"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=1) + "\n"

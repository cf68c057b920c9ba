"""OperatorPolicy of the template is what the command line needs, and no more."""

from collections.abc import Iterator

import pytest

from infra.cli.stack import ENFORCED, NOT_ENFORCED, UNUSABLE
from infra.local.iam import enforcement
from infra.local.server import EmbeddedAws
from tests.support.shell import Shell, issue_client, run

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.fixture
def operator(embedded_aws: EmbeddedAws, shell: Shell) -> Iterator[tuple[Shell, dict[str, str]]]:
    """Return a shell of its own session, and the credentials of a role that has this policy alone."""
    iam = embedded_aws.client("iam")
    iam.create_role(RoleName="operator", AssumeRolePolicyDocument="{}")
    (policy,) = [each for each in iam.list_policies(Scope="Local")["Policies"] if "Operator" in each["PolicyName"]]
    iam.attach_role_policy(RoleName="operator", PolicyArn=policy["Arn"])
    arn = iam.get_role(RoleName="operator")["Role"]["Arn"]
    made = embedded_aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    values = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    yield Shell(shell.folder), dict(zip(_KEYS, values, strict=True))
    iam.detach_role_policy(RoleName="operator", PolicyArn=policy["Arn"])
    iam.delete_role(RoleName="operator")


def test_operator_policy(operator: tuple[Shell, dict[str, str]]) -> None:
    """Each command works with it; what it allows is used."""
    shell, key = operator

    def command(arguments: str, code: int = ENFORCED) -> str:
        return run(shell, arguments, code, "", **key)

    serial = issue_client(shell, "operated")
    (shell.folder / "list.txt").write_text("".join(f"0x{number:x}\n" for number in range(2**64, 2**64 + 501)))
    bucket, crl = shell.environment["INPUT_BUCKET"], shell.environment["CRL_BUCKET"]
    shell.client("s3").upload_file(str(shell.folder / "pki" / "operated.pem"), bucket, "inputs/operated.pem")
    command(f"plan --certificate s3://{bucket}/inputs/operated.pem")
    command(f"plan --certificate s3://{bucket}/inputs/none.pem", UNUSABLE)
    command("start --dry-run --list list.txt", NOT_ENFORCED)  # uploads it
    name = command(f"start --yes 0x{serial}").split("revocation report ")[1].split()[0]
    for arguments in (f"watch {name}", f"report {name}", "list", "start --yes --reconcile"):
        command(arguments)
    arn = shell.environment["CERTIFICATE_AUTHORITY_ARN"]
    shell.client("s3").delete_object(Bucket=crl, Key=f"crl/{arn.rpartition('/')[2]}.crl")
    assert "CRL: none yet at" in command(f"plan 0x{serial}", NOT_ENFORCED)
    unused = {(action, resource) for role, action, resource in enforcement.unused_permissions() if role == "operator"}
    assert {action for action, _ in unused} == {"cloudformation:DescribeStacks"}, unused

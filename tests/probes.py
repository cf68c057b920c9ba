"""Questions about trust stores that only AWS can answer, asked of a trust store made for them, with a throwaway CA.

No load balancer uses that trust store, so nobody is locked out. It is deleted afterwards.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from cryptography import x509

from tests.support import pki
from tests.support.pki import DAY, HOUR, NOW, InMemoryCa, crl_pem

# What the embedded AWS answers; where AWS's documentation is silent, this is a choice.
EMBEDDED = {
    "a list without entries": "taken, 0 entries",
    "an expired list": "taken, 1 entries",
    "a list whose issuer is not in the bundle": "taken, 1 entries",
    "a list with another key's signature": "taken, 1 entries",
    "a delta CRL": "taken, 1 entries",
    "a critical issuing distribution point": "taken, 1 entries",
    "a list without a CRL number": "taken, 1 entries",
    "DER instead of PEM": "InvalidRevocationContent",
    "two lists in one file": "InvalidRevocationContent",
    "a key with a slash at its beginning": "RevocationContentNotFound",
    "TotalRevokedEntries of one list attached twice": "2",
    "removing a known and an unknown ID": "RevocationIdNotFound, the known one stays",
    "the 31st list": "TooManyTrustStoreRevocationEntries",
}


@dataclass(frozen=True)
class Probe:
    """A trust store for questions, and the bucket for its lists."""

    client: Callable[[str], Any]
    bucket: str
    arn: str
    ca: InMemoryCa

    def add(self, body: bytes, key: str = "list.pem", asked_for: str | None = None) -> tuple[int | None, str]:
        """Attach a list; return its ID, and how AWS answered."""
        self.client("s3").put_object(Bucket=self.bucket, Key=f"probes/{key}", Body=body)
        content = {"S3Bucket": self.bucket, "S3Key": asked_for or f"probes/{key}", "RevocationType": "CRL"}
        try:
            added = self.client("elbv2").add_trust_store_revocations(
                TrustStoreArn=self.arn, RevocationContents=[content]
            )["TrustStoreRevocations"]
        except ClientError as error:
            return None, str(error.response["Error"]["Code"])
        return added[0]["RevocationId"], f"taken, {added[0]['NumberOfRevokedEntries']} entries"

    def try_once(self, body: bytes, **more: str) -> str:
        """Return how AWS answers to a list, which is removed again."""
        revocation_id, answer = self.add(body, **more)
        if revocation_id is not None:
            self.remove(revocation_id)
        return answer

    def remove(self, *revocation_ids: int) -> str:
        """Remove lists; return AWS's code, or nothing."""
        try:
            self.client("elbv2").remove_trust_store_revocations(
                TrustStoreArn=self.arn, RevocationIds=list(revocation_ids)
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    @property
    def attached(self) -> list[int]:
        """The IDs of the attached lists."""
        answer = self.client("elbv2").describe_trust_store_revocations(TrustStoreArn=self.arn)
        return [each["RevocationId"] for each in answer["TrustStoreRevocations"]]


def answers(client: Callable[[str], Any], bucket: str) -> dict[str, str]:
    """Return the answer to each question."""
    with _trust_store(client, bucket) as probe:
        return {**_lists(probe), **_counting(probe)}


def _lists(probe: Probe) -> dict[str, str]:
    ca, other = probe.ca, pki.certificate_authority("Not in the bundle")
    delta = x509.DeltaCRLIndicator(1)
    partition = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)  # noqa: FBT003 - for users alone
    good = ca.crl([5])
    return {
        "a list without entries": probe.try_once(crl_pem(ca.crl())),
        "an expired list": probe.try_once(crl_pem(ca.crl([5], this_update=NOW - 9 * DAY, next_update=NOW - HOUR))),
        "a list whose issuer is not in the bundle": probe.try_once(crl_pem(other.crl([5]))),
        "a list with another key's signature": probe.try_once(crl_pem(ca.crl([5], key=other.key))),
        "a delta CRL": probe.try_once(crl_pem(ca.crl([5], extensions=[(delta, True)]))),
        "a critical issuing distribution point": probe.try_once(crl_pem(ca.crl([5], extensions=[(partition, True)]))),
        "a list without a CRL number": probe.try_once(crl_pem(ca.crl([5], number=None))),
        "DER instead of PEM": probe.try_once(good),
        "two lists in one file": probe.try_once(crl_pem(good) * 2),
        "a key with a slash at its beginning": probe.try_once(crl_pem(good), asked_for="/probes/list.pem"),
    }


def _counting(probe: Probe) -> dict[str, str]:
    body = crl_pem(probe.ca.crl([5]))
    first, _ = probe.add(body)
    second, _ = probe.add(body)
    assert first is not None
    assert second is not None
    described = probe.client("elbv2").describe_trust_stores(TrustStoreArns=[probe.arn])["TrustStores"][0]
    code = probe.remove(second, 999_999)
    stays = "stays" if second in probe.attached else "is removed"
    last = next((answer for _ in range(40) if not (answer := probe.add(body)[1]).startswith("taken")), "none refused")
    return {
        "TotalRevokedEntries of one list attached twice": str(described["TotalRevokedEntries"]),
        "removing a known and an unknown ID": f"{code or 'no error'}, the known one {stays}",
        f"the {_ordinal(len(probe.attached) + 1)} list": last,
    }


def _ordinal(number: int) -> str:
    return f"{number}{'st' if number % 10 == 1 else 'th'}"


@contextmanager
def _trust_store(client: Callable[[str], Any], bucket: str) -> Iterator[Probe]:
    ca = pki.certificate_authority("Throwaway CA of probes")
    client("s3").put_object(Bucket=bucket, Key="probes/ca.pem", Body=ca.certificate_pem)
    created = client("elbv2").create_trust_store(
        Name="revocation-probes", CaCertificatesBundleS3Bucket=bucket, CaCertificatesBundleS3Key="probes/ca.pem"
    )
    probe = Probe(client, bucket, created["TrustStores"][0]["TrustStoreArn"], ca)
    try:
        yield probe
    finally:
        client("elbv2").delete_trust_store(TrustStoreArn=probe.arn)


def table(here: dict[str, str]) -> str:
    """Return the answers beside those of the embedded AWS."""
    rows = ["| question | embedded AWS | here |", "| --- | --- | --- |"]
    rows += [f"| {question} | {EMBEDDED.get(question, '')} | {answer} |" for question, answer in here.items()]
    return "\n".join(rows)

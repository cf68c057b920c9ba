"""Checks that the trust stores trust the CA, and finds those that trust another CA of its name."""

from collections.abc import Iterator

from functions.aws import acm_pca
from functions.errors import RequestRefused, RevocationError, TrustStoreNotFound
from functions.intake import trust_stores
from functions.intake.certificate_authority import CertificateAuthority
from functions.models.stored import CrlLocation
from functions.pki import bundle_checks
from functions.pki.chain import readable_certificates
from infra.deploy.finding import Finding
from infra.deploy.parameters import ParameterRefused

_WHAT_TO_DO = "add the CA's certificate to the bundle (aws elbv2 modify-trust-store), or name another trust store"


def find_problems(ca_arn: str, trust_store_arns: str) -> Iterator[Finding]:
    """Yield each trust store that does not exist or does not trust the CA; without any named, if none trusts it.

    `trust_store_arns` is the parameter: ARNs between commas, or nothing for all trust stores of the account and Region.

    Raises:
        ParameterRefused: one that is named does not exist.

    """
    faults: list[RequestRefused] = []
    named = [arn for arn in trust_store_arns.split(",") if arn]
    try:
        ca = _read_ca(ca_arn)
        stores = trust_stores.read_trust_stores(named, faults)
        trust_stores.select_trusting(stores, ca, faults, all_must_trust=bool(named))
    except RevocationError as error:
        yield Finding(f"Whether the trust stores trust the CA could not be checked: {error}.", "check it by hand")
    for fault in faults:
        if named and isinstance(fault, TrustStoreNotFound):
            raise ParameterRefused(
                f"TrustStoreArns: {fault}. What to do: name those that aws elbv2 describe-trust-stores shows"
            )
        yield Finding(f"TrustStoreArns: {fault}.", _WHAT_TO_DO)


def find_namesakes(ca_arn: str, trust_store_arns: str) -> Iterator[str]:
    """Yield both certificates of each trust store that trusts two CAs of the name; nothing if they cannot be read."""
    try:
        ca = _read_ca(ca_arn)
        for store in trust_stores.read_trust_stores([arn for arn in trust_store_arns.split(",") if arn], []):
            bundle = readable_certificates(store.bundle)
            if found := bundle_checks.describe_namesakes(ca.certificate, bundle, store.arn):
                yield found
    except RevocationError:
        return


def _read_ca(arn: str) -> CertificateAuthority:
    certificate, chain = acm_pca.get_certificate_authority_certificate(arn)
    return CertificateAuthority(arn, certificate, chain, CrlLocation(bucket="", key=""))

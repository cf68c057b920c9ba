"""ConvertCrl: check the CRL once more, and store it as the PEM that trust stores accept."""

import tempfile
from collections.abc import Iterator
from datetime import datetime

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import CrlAuthorityKeyMismatch
from functions.handler import lambda_handler
from functions.models.states import ConvertCrlInput, ConvertedCrl
from functions.models.stored import Manifest
from functions.pki import bundle_checks, crl, crl_checks, crl_pem


def convert_crl(event: ConvertCrlInput, now: datetime) -> ConvertedCrl:
    """Convert exactly the version that FindCrl read.

    Raises:
        CrlRefused: the subclass of the first check that fails. AttachCrl checks the number against each trust store.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    parsed = crl.read(workflow_bucket.get_object(event.crl), max_entries=environment().max_revocation_entries)
    crl_checks.check(parsed, issuer=manifest.issuer, now=now, require_key_identifier=not manifest.is_third_party)
    with tempfile.TemporaryFile() as file:
        crl_pem.write_pem(parsed.der, file)
        file.seek(0)
        pem = workflow_bucket.put_crl(manifest.authority_id, parsed.crl_number, file)
    fields: dict[str, object] = {
        "pem": pem,
        "crl_number": parsed.crl_number,
        "this_update": parsed.this_update,
        "next_update": parsed.next_update,
        "number_of_revoked_entries": parsed.number_of_revoked_entries,
        "sha256": parsed.sha256,
        "unusable_at": dict(_unusable_at(parsed, manifest)),
    }
    return ConvertedCrl.model_validate(fields)


def _unusable_at(parsed: crl.Crl, manifest: Manifest) -> Iterator[tuple[str, str]]:
    for baseline in manifest.baselines:
        try:
            bundle_checks.check_authority(parsed, baseline.issuers, baseline.trust_store_arn)
        except CrlAuthorityKeyMismatch as error:
            yield baseline.trust_store_arn, str(error)


handler = lambda_handler(convert_crl)

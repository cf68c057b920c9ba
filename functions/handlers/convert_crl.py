"""ConvertCrl: check the CRL that was found once more, and keep it as the PEM that trust stores take."""

import tempfile
from datetime import datetime

from functions import workflow_bucket
from functions.environment import environment
from functions.handler import lambda_handler
from functions.models.states import ConvertCrlInput, ConvertedCrl
from functions.pki import crl


def convert_crl(event: ConvertCrlInput, now: datetime) -> ConvertedCrl:
    """Convert exactly the version that FindCrl read.

    Raises:
        CrlRefused: a subclass of it for each fault. Whether its number is too low depends on the trust store.

    """
    manifest = workflow_bucket.get_manifest(event.manifest)
    here = environment()
    found = crl.read(workflow_bucket.get_object(event.crl), max_entries=here.max_revocation_entries)
    crl.check(found, issuer=manifest.issuer, now=now, key_identifier_needed=not manifest.is_third_party)
    with tempfile.TemporaryFile() as file:
        crl.write_pem(found.der, file)
        file.seek(0)
        pem = workflow_bucket.put_crl(manifest.authority_id, found.crl_number, file)
    described = {
        "pem": pem,
        "crl_number": found.crl_number,
        "this_update": found.this_update,
        "next_update": found.next_update,
        "number_of_revoked_entries": found.number_of_revoked_entries,
        "sha256": found.sha256,
    }
    return ConvertedCrl.model_validate(described)


handler = lambda_handler(convert_crl)

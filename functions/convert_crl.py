"""ConvertCrl: check the CRL that was found, byte by byte, and keep it as the PEM that trust stores take."""

import tempfile
from datetime import datetime

from functions import aws, crl, pem, workflow_bucket
from functions.contracts import ConvertCrlInput, ConvertedCrl
from functions.deployment import deployment
from functions.errors import CrlExpired
from functions.task import task


def convert_crl(question: ConvertCrlInput, now: datetime) -> ConvertedCrl:
    """Convert exactly the version that FindCrl read, refusing whatever `crl.check` refuses.

    Raises:
        CrlRefused: a subclass for each fault.

    """
    manifest = workflow_bucket.get_manifest(question.manifest)
    body = workflow_bucket.get(question.crl)
    found = crl.read(body, max_entries=deployment().max_revocation_entries)
    crl.check(found, issuer=manifest.issuer, now=now, attached=None)  # numbers: AttachCrl, for each trust store
    if found.crl_number is None or found.next_update is None:
        raise CrlExpired(f"s3://{question.crl.bucket}/{question.crl.key}")
    ...

"""PrepareRevocation: refuse what cannot be carried out before anything is changed, and store what later steps need."""

from datetime import datetime

from functions import workflow_bucket
from functions.environment import environment
from functions.errors import InvalidInput
from functions.handler import lambda_handler
from functions.intake.validate import validate
from functions.models.request import ExecutionInput, WantedSerial
from functions.models.states import Prepared, TrustStore
from functions.pki import serial_number
from functions.revocation.batches import batch_numbers


def prepare_revocation(event: ExecutionInput, now: datetime) -> Prepared:
    """Validate the input and all that it names, and write the manifest.

    Raises:
        RequestRefused: a subclass of it for a single fault, otherwise itself, naming all faults.

    """
    if isinstance(event.request, dict) and event.request.get("DryRun") is True:
        raise InvalidInput("DryRun: this state machine is older than its functions and has no dry run: deploy again")
    manifest = validate(event, now)
    request = manifest.request
    batches = batch_numbers(len(request.serials))
    return Prepared(
        manifest=workflow_bucket.put_manifest(manifest),
        certificate_authority_arn=request.certificate_authority_arn,
        revocation_reason=request.revocation_reason,
        polling=request.polling,
        reconcile=request.reconcile or manifest.is_third_party,
        give_way_seconds=environment().give_way_seconds,
        serials=[]
        if batches
        else [
            WantedSerial(serial=serial, revocation_reason=request.reasons.get(serial_number.to_hex(serial)))
            for serial in request.serials
        ],
        batches=batches,
        trust_stores=[TrustStore(trust_store_arn=baseline.trust_store_arn) for baseline in manifest.baselines],
    )


handler = lambda_handler(prepare_revocation)

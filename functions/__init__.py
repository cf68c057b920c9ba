"""The Lambda functions. Data: input (intake) → revocation → CRL (pki) → trust_store → report; handlers are the steps.

handlers/   one file per Lambda function, named after its state; calls the rooms below, which import only downwards
plan/       the dry run: what an execution would do
report/     the verdict, the report and the notifications
intake/     from the input to the manifest: serials, CA, trust stores and all checks before anything changes
trust_store/, revocation/  attaching, comparing and removing revocation lists; revoking at Private CA
workflow_bucket.py         what the steps hand to each other through S3
aws/, models/, pki/        AWS calls by service; every JSON document; certificates, CRLs and serials by RFC 5280
"""

"""Parse requests into IAM's actions and resources, and write errors as the called service writes them."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core import errors
from moto.core.model import OperationModel
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from infra.local.core.settings import Settings

# botocore's names of the services whose requests are signed under another name.
SERVICES = {"elasticloadbalancing": "elbv2", "states": "stepfunctions", "monitoring": "cloudwatch"}
PREFIXES = {"monitoring": "cloudwatch"}

# Operations whose permission has another name (aws: service-authorization-reference). Those that need several at
# once (CopyObject, DeleteObjects) are left out: no statement names them, so no role may use them here.
ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:UploadPart": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
}
VERSIONED = {"s3:GetObject": "s3:GetObjectVersion", "s3:DeleteObject": "s3:DeleteObjectVersion"}

# The parameters that hold the resource. The resource of a call without any of them is "*", which a statement that is
# narrowed to an ARN does not allow.
ARN_PARAMETERS = {
    "acm-pca": ("CertificateAuthorityArn",),
    "elasticloadbalancing": ("TrustStoreArn", "ListenerArn", "LoadBalancerArn"),
    "states": ("executionArn", "stateMachineArn"),
    "sns": ("TopicArn", "TargetArn"),
}

STATUS = {"InternalFailure": 500, "InternalError": 500, "ServiceUnavailable": 503, "SlowDown": 503}


class ServiceError(Exception):
    """An error response of a service, with AWS's code and message."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        """Create the error; without a status it has the code's usual one."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or STATUS.get(code, 400)


@dataclass(frozen=True)
class SignedRequest:
    """A signed request: the action, its resource, and the access key that signed it."""

    action: str
    resource: str
    access_key: str
    service: str
    operation: str
    protocol: str


def credential_scope(environ: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the access key and the service of a signed request; pre-signed and unsigned ones have none."""
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    scope = header.partition("Credential=")[2].partition(",")[0].split("/")
    return (scope[0], scope[3]) if len(scope) == len(("key", "date", "region", "service", "type")) else None


def parse_signed_request(environ: dict[str, Any], settings: Settings) -> SignedRequest | None:
    """Return a request's action, resource and signer; None if it is not signed, or is not a service's operation."""
    scope = credential_scope(environ)
    if scope is None:
        return None
    access_key, signed_for = scope
    service = SERVICES.get(signed_for, signed_for)
    # Path and query define an operation of S3, so its bodies, which may be large, are left in the socket.
    body = b"" if service == "s3" else _take_body(environ)
    moto_request = Request(environ, populate_request=False)
    try:
        operation, params = get_service_router(service).match(moto_request)
    except (NotFound, UnknownServiceError, NotImplementedError):  # a service may be signed for under another's name
        return None
    finally:
        if service != "s3":
            environ["wsgi.input"] = io.BytesIO(body)
    protocol = determine_request_protocol(get_service_model(service), moto_request.content_type)
    if service == "s3":
        params = {**params, **moto_request.args}
    elif protocol == "json":
        params = {**params, **json.loads(body or b"{}")}
    elif protocol == "query":
        params = {**params, **moto_request.form}
    prefix = PREFIXES.get(signed_for, signed_for)
    name = f"{prefix}:{operation.name}"
    action = ACTIONS.get(name, name)
    if "versionId" in params:
        action = VERSIONED.get(action, action)
    resource = _resource(action, params, settings)
    return SignedRequest(action, resource, access_key, service, str(operation.name), protocol)


def _take_body(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _resource(action: str, params: Mapping[str, Any], settings: Settings) -> str:
    service, _, name = action.partition(":")
    if service == "s3":
        path = "/".join(params[part] for part in ("Bucket", "Key") if part in params)
        return f"arn:{settings.partition}:s3:::{path}"
    if service == "lambda" and "FunctionName" in params:
        function = unquote(params["FunctionName"])
        return function if function.startswith("arn:") else _own_arn(settings, "lambda", f"function:{function}")
    if service == "cloudformation" and "StackName" in params:
        return _own_arn(settings, "cloudformation", f"stack/{params['StackName']}/*")
    if action == "events:PutEvents":
        return _bus(next(iter(params.get("Entries", [])), {}), settings)
    # Elastic Load Balancing has no resource-level permissions for its Describe actions.
    if service == "elasticloadbalancing" and name.startswith("Describe"):
        return "*"
    named = (params[key] for key in ARN_PARAMETERS.get(service, ()) if key in params)
    return str(next(named, "*"))


def _bus(entry: Mapping[str, Any], settings: Settings) -> str:
    """Return the bus of the first entry; EventBridge itself requires the permission for those of the others."""
    name = entry.get("EventBusName", "default")
    return name if name.startswith("arn:") else _own_arn(settings, "events", f"event-bus/{name}")


def _own_arn(settings: Settings, service: str, resource: str) -> str:
    return f"arn:{settings.partition}:{service}:{settings.region}:{settings.account_id}:{resource}"


def error_response(request: SignedRequest, error: ServiceError) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an error, in the protocol of the service that was called."""
    status = error.status
    if error.code == "AccessDenied" and request.protocol in {"json", "rest-json"}:
        error = ServiceError("AccessDeniedException", error.message)
        status = 400 if request.protocol == "json" else status
    if error.code not in errors.COMMON_ERROR_CODES:
        errors.COMMON_ERROR_CODES.append(error.code)  # moto warns about codes that a service's model does not list
    model = get_service_model(request.service)
    response = get_serializer_class(model.service_name, request.protocol)(OperationModel({}, model)).serialize(error)
    body, headers = response["body"], {**response["headers"], "x-amzn-requestid": str(uuid4())}
    return status, headers, body.encode() if isinstance(body, str) else body


def unknown_error_response(environ: Mapping[str, Any], error: ServiceError) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an error of a service that was not recognized, in the request's protocol."""
    if "HTTP_X_AMZ_TARGET" in environ or "json" in environ.get("CONTENT_TYPE", ""):
        body = json.dumps({"__type": error.code, "message": error.message})
        return error.status, {"Content-Type": "application/x-amz-json-1.1"}, body.encode()
    code, message = escape(error.code), escape(error.message)
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return error.status, {"Content-Type": "text/xml"}, body.encode()

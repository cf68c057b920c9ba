"""Authorize each signed request before moto handles it, and inject the faults that tests have added."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from moto.s3.models import s3_backends
from werkzeug.test import run_wsgi_app

from infra.local.core import faults
from infra.local.core.access_key import ANONYMOUS_PATH, access_key_of
from infra.local.core.requests import (
    ServiceError,
    SignedRequest,
    error_response,
    parse_signed_request,
    unknown_error_response,
)
from infra.local.core.settings import Settings
from infra.local.core.unsupported import is_without_effect
from infra.local.iam import enforcement

Answer = tuple[int, list[tuple[str, str]], Iterable[bytes]]

_LOG = logging.getLogger(__name__)
_ERROR_STATUS = 400
_NOT_FOUND = 404
_HTML = b"<!doctype html>"


class AuthorizationMiddleware:
    """A WSGI application that passes on what the caller's policies allow."""

    def __init__(self, application: Callable[..., Any], settings: Settings) -> None:
        """Wrap a WSGI application."""
        self._application = application
        self._settings = settings

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle one request."""
        request = parse_signed_request(environ, self._settings)
        try:
            status, headers, body = self._handle(environ, request) if request else self._pass_on(environ)
        except ServiceError as error:
            answer = error_response(request, error) if request else unknown_error_response(environ, error)
            status, error_headers, content = answer
            headers, body = list(error_headers.items()), [content]
        start_response(f"{status} {'OK' if status < _ERROR_STATUS else 'Refused'}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body

    def _pass_on(self, environ: dict[str, Any]) -> Answer:
        """Ask moto for what is not a service's operation; as no policy says anything of it, administrators alone may.

        Raises:
            ServiceError: MissingAuthenticationToken.

        """
        is_anonymous = environ["PATH_INFO"].startswith(ANONYMOUS_PATH)
        if not is_anonymous and not enforcement.is_administrator(access_key_of(environ)):
            message = "The request has no administrator's access key. env.sh, which make up writes, sets one for tools."
            raise ServiceError("MissingAuthenticationToken", message, status=403)
        return self._ask_moto(environ, "this action")

    def _handle(self, environ: dict[str, Any], request: SignedRequest) -> Answer:
        with enforcement.authenticate(request) as caller:
            faults.notify_observers(request)
            enforcement.require(request.action, request.resource)
            fault = faults.take_next(request, caller.role_name if caller else None)
            error = fault.error() if fault else None
            if fault and error and not fault.after:
                raise error
            if is_without_effect(request.service, request.operation):
                raise _not_implemented(f"{request.operation} of {request.service}")
            status, headers, body = self._ask_moto(environ, f"{request.operation} of {request.service}")
            status, headers, body = _in_form(request, status, headers, body)
            if error:
                raise error
            if status == _NOT_FOUND and request.action.startswith("s3:GetObject"):
                require_list_bucket(request.resource, self._settings)
            return status, headers, body

    def _ask_moto(self, environ: dict[str, Any], action: str) -> Answer:
        """Return what moto answers; what it raises would be a 500 with a page of HTML, which boto3 repeats.

        Raises:
            ServiceError: it does not know the action, or fails.

        """
        try:
            body, status, headers = run_wsgi_app(self._application, environ, buffered=True)
        except NotImplementedError as missing:
            raise _not_implemented(action) from missing
        except ServiceError:
            raise
        except Exception as fault:
            _LOG.exception("moto failed")
            message = f"The embedded AWS failed: {type(fault).__name__}: {fault}"
            raise ServiceError("InternalFailure", message) from fault
        return int(status.split()[0]), list(headers), body


def _not_implemented(action: str) -> ServiceError:
    return ServiceError("NotImplemented", f"The embedded AWS does not implement {action}.", status=501)


def _in_form(request: SignedRequest, status: int, headers: list[tuple[str, str]], body: Iterable[bytes]) -> Answer:
    """Return an answer whose error, if it is one, has the form of the service.

    moto answers HTML where it has no route for an operation, and text where one service calls another.

    Raises:
        ServiceError: it has another form.

    """
    content = b"".join(body)
    start = b"{" if "json" in request.protocol else b"<"
    if status < _ERROR_STATUS or not content or (content.startswith(start) and not content.startswith(_HTML)):
        return status, headers, [content]
    if content.startswith(_HTML):
        raise _not_implemented(f"{request.operation} of {request.service}")
    raise ServiceError("InternalFailure", f"The embedded AWS failed: {content.decode(errors='replace')}")


def require_list_bucket(object_arn: str, settings: Settings) -> None:
    """Require `s3:ListBucket` for a 404: without it, S3 answers 403 and does not reveal that an object is absent.

    Raises:
        AccessDenied: the caller may not list the bucket (aws: s3/API_GetObject, "Permissions").

    """
    bucket = object_arn.partition("/")[0]
    if bucket.rpartition(":")[2] in s3_backends[settings.account_id][settings.partition].buckets:
        enforcement.require("s3:ListBucket", bucket)

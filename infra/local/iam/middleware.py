"""Authorize each signed request before moto handles it, and inject the faults that tests have added."""

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

from moto.s3.models import s3_backends
from werkzeug.test import run_wsgi_app

from infra.local.core import faults, same_origin
from infra.local.core.access_key import ANONYMOUS_PATH, access_key_of
from infra.local.core.requests import (
    ServiceError,
    SignedRequest,
    error_response,
    parse_signed_request,
    unknown_error_response,
)
from infra.local.core.settings import Settings
from infra.local.iam import enforcement

Answer = tuple[int, list[tuple[str, str]], Iterable[bytes]]

_LOG = logging.getLogger(__name__)
_NO_KEY = b"Refused: the request has no administrator's access key. env.sh, which make up writes, sets one for tools.\n"
_ERROR_STATUS = 400
_NOT_FOUND = 404


class AuthorizationMiddleware:
    """A WSGI application that passes on what the caller's policies allow."""

    def __init__(self, application: Callable[..., Any], settings: Settings) -> None:
        """Wrap a WSGI application."""
        self._application = application
        self._settings = settings

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handle one request."""
        request = parse_signed_request(environ, self._settings)
        if request is None:
            # A role's policies say nothing about what is not a service's operation, so it takes an administrator.
            is_anonymous = environ["PATH_INFO"].startswith(ANONYMOUS_PATH)
            if not is_anonymous and not enforcement.is_administrator(access_key_of(environ)):
                start_response("403 Forbidden", list(same_origin.HEADERS))
                return [] if environ["REQUEST_METHOD"] == "HEAD" else [_NO_KEY]
            call: Callable[[], Answer] = functools.partial(self._ask_moto, environ, "this action")
        else:
            call = functools.partial(self._handle, environ, request)
        try:
            status, headers, body = call()
        except ServiceError as error:
            answer = error_response(request, error) if request else unknown_error_response(environ, error)
            status, error_headers, content = answer
            headers, body = list(error_headers.items()), [content]
        start_response(f"{status} {'OK' if status < _ERROR_STATUS else 'Refused'}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body

    def _handle(self, environ: dict[str, Any], request: SignedRequest) -> Answer:
        with enforcement.authenticate(request) as caller:
            faults.notify_observers(request)
            enforcement.require(request.action, request.resource)
            fault = faults.take_next(request, caller.role_name if caller else None)
            error = fault.error() if fault else None
            if fault and error and not fault.after:
                raise error
            status, headers, body = self._ask_moto(environ, f"{request.operation} of {request.service}")
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
            message = f"The embedded AWS does not implement {action}."
            raise ServiceError("NotImplemented", message, status=501) from missing
        except ServiceError:
            raise
        except Exception as fault:
            _LOG.exception("moto failed")
            message = f"The embedded AWS failed: {type(fault).__name__}: {fault}"
            raise ServiceError("InternalFailure", message) from fault
        return int(status.split()[0]), list(headers), body


def require_list_bucket(object_arn: str, settings: Settings) -> None:
    """Require `s3:ListBucket` for a 404: without it, S3 answers 403 and does not reveal that an object is absent.

    Raises:
        AccessDenied: the caller may not list the bucket (aws: s3/API_GetObject, "Permissions").

    """
    bucket = object_arn.partition("/")[0]
    if bucket.rpartition(":")[2] in s3_backends[settings.account_id]["aws"].buckets:
        enforcement.require("s3:ListBucket", bucket)

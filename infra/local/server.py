"""Run the embedded AWS: moto's server in this process, with the additions that this product needs."""

import contextlib
import gc
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self

from botocore.config import Config
from moto import backends
from moto.core.config import default_user_config
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from infra.local.acm_pca import service as acm_pca
from infra.local.core import faults
from infra.local.core.access_key import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from infra.local.core.clients import create_client
from infra.local.core.same_origin import SameOrigin
from infra.local.core.settings import Settings
from infra.local.elbv2 import responses as elbv2
from infra.local.events import service as events
from infra.local.events import sources as event_sources
from infra.local.iam import enforcement
from infra.local.iam.middleware import AuthorizationMiddleware
from infra.local.lambda_ import service as lambda_service
from infra.local.s3 import patches as s3

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from infra.local.cloudformation.deploy import Stack


# werkzeug logs each request, moto each error that a state machine catches, the translator its metrics.
QUIET = {"werkzeug": logging.ERROR, "moto.stepfunctions": logging.CRITICAL, "samtranslator": logging.ERROR}


_reset_moto = moto_api_backend.reset  # of moto's resources alone


class PortTaken(OSError):
    """The port is in use by another program."""


class AlreadyRunning(RuntimeError):
    """This process already has an embedded AWS; moto's state is global, so only one is possible."""


class _QuietHandler(MotoRequestHandler):
    """moto's request handler, without access log, and with connections that the server can close."""

    disable_nagle_algorithm = True  # headers and body are two writes; the second must not await an ACK
    open_connections: ClassVar[set[socket.socket]] = set()

    def setup(self) -> None:
        super().setup()
        self.open_connections.add(self.connection)

    def finish(self) -> None:
        self.open_connections.discard(self.connection)
        super().finish()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no access log."""


class EmbeddedAws:
    """An AWS in this process, for one account and Region.

    with EmbeddedAws(Settings()) as aws:
        aws.client("s3").list_buckets()
    """

    _running: "EmbeddedAws | None" = None

    def __init__(self, settings: Settings, port: int = 0) -> None:
        """Prepare an AWS that will listen on a port of 127.0.0.1; 0 means any free one."""
        self.settings = settings
        self._port = port
        self._clients: dict[tuple[str, str], Any] = {}
        self.stacks: dict[str, Stack] = {}
        self._reset_step_functions: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        """Start.

        Raises:
            AlreadyRunning: this process already has one.
            PortTaken: the port is in use.
            NotBuilt: `make build` has not been run.

        """
        if EmbeddedAws._running is not None:
            raise AlreadyRunning(f"{EmbeddedAws._running.endpoint_url} runs in this process already")
        self._listener = _listen(self._port)
        try:
            self._install()
        except lambda_service.NotBuilt:
            self._listener.close()
            raise
        application = SameOrigin(
            AuthorizationMiddleware(DomainDispatcherApplication(self._create_application), self.settings)
        )
        self._server = make_server(
            "127.0.0.1",
            self._listener.getsockname()[1],
            application,
            threaded=True,
            request_handler=_QuietHandler,
            fd=self._listener.fileno(),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        gc.freeze()  # what was imported stays: a collection that goes through all of moto takes a tenth of a second
        EmbeddedAws._running = self
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything that was started."""
        self.reset()
        lambda_service.close()
        self._server.shutdown()
        self._thread.join()
        for connection in list(_QuietHandler.open_connections):
            with contextlib.suppress(OSError):  # its client may have closed it meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        for client in self._clients.values():
            client.close()
        self._server.server_close()
        self._listener.close()
        faults.clear()
        EmbeddedAws._running = None

    @property
    def endpoint_url(self) -> str:
        """The URL of the server."""
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}"

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes each service's class as it runs
        """Return an administrator's boto3 client."""
        key = self.settings.region, service
        if key not in self._clients:
            retries: Any = {"total_max_attempts": 1}
            config = Config(retries=retries, max_pool_connections=50, read_timeout=900, inject_host_prefix=False)
            self._clients[key] = create_client(
                service,
                region_name=self.settings.region,
                endpoint_url=self.endpoint_url,
                aws_access_key_id=ACCESS_KEY_ID,
                aws_secret_access_key=SECRET_ACCESS_KEY,
                config=config,
            )
        return self._clients[key]

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which a shell's AWS tools call this AWS as administrator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.settings.region,
            "AWS_DEFAULT_REGION": self.settings.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # "sync-127.0.0.1" is not an address
        }

    def reset(self) -> None:
        """Delete all resources, faults and records; the settings stay."""
        faults.clear()
        events.stop()
        if self._reset_step_functions is not None:
            self._reset_step_functions()
        lambda_service.end_async_invocations()
        _reset_moto()
        lambda_service.wait_until_ended()
        enforcement.reset(self.settings)
        self.stacks.clear()
        events.start()

    def _install(self) -> None:
        os.environ["MOTO_PORT"] = str(self._listener.getsockname()[1])
        default_user_config["lambda"] = {"use_docker": False}
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        for name, level in QUIET.items():
            logging.getLogger(name).setLevel(level)
        modules = frozenset(backends.list_of_moto_modules())
        backends.list_of_moto_modules = lambda: modules  # stock: looks into moto's folder at every request
        enforcement.reset(self.settings)
        acm_pca.install(self.settings)
        elbv2.install(self.settings)
        s3.install()
        lambda_service.install(self.settings, self.endpoint_url)
        events.install(self.settings, self.endpoint_url)
        event_sources.install(self.settings)
        moto_api_backend.reset = self.reset  # type: ignore[method-assign] # for POST /moto-api/reset

    def _create_application(self, service: Any) -> "Flask":  # noqa: ANN401 - a Literal of all services of moto
        """Create the application of one service, at the first request for it.

        The two that take as long to import as all others together are imported and installed here.
        """
        if service == "stepfunctions":
            from infra.local.events import executions  # noqa: PLC0415 - see above
            from infra.local.stepfunctions import patches  # noqa: PLC0415 - see above

            patches.install(self.settings, self.endpoint_url)
            executions.install()
            self._reset_step_functions = patches.reset
        elif service == "cloudformation":
            from infra.local.cloudformation import api  # noqa: PLC0415 - see above

            api.install(self)
        application = create_backend_app(service)
        gc.freeze()
        return application


def _listen(port: int) -> socket.socket:
    if port not in range(1 << 16):
        raise PortTaken(f"Port {port} cannot be listened on (ports are 0-65535)")
    try:
        return socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError as error:
        reason = f"{error.strerror}: choose another, or 0 for any free one"
        raise PortTaken(f"Port {port} cannot be listened on ({reason})") from error

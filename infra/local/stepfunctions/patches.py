"""Correct what moto's Step Functions interpreter does differently from AWS and this product needs.

Each correction is for one version of moto; tests/infra/local/stepfunctions/test_patches.py fails if that changes:

* an execution started without a name gets one (stock: all are called `None`, so the second one fails);
* a Map worker takes its items in a loop (stock: it recurses, and dies after about 985, leaving the execution RUNNING);
* a Lambda call that is refused fails the task with the error that AWS uses, e.g. `Lambda.TooManyRequestsException`
  (stock, where the resource is the function's own ARN: `Exception`, which no Retry names);
* `$$.Execution.StartTime` is a string (stock: a datetime, with which DescribeExecution fails if a state outputs it);
* a definition is parsed once (stock: whenever an execution starts, which takes longer than the execution itself);
* tasks call AWS with the credentials of the state machine's role, through a client that is kept (stock: with
  made-up credentials, through a new client each time, which takes 17 ms).
"""

import functools
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from moto.stepfunctions import urls
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.eval.evaluation_details import ExecutionDetails
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import Execution

from infra.local.core.requests import ServiceError
from infra.local.core.settings import Settings
from infra.local.iam import enforcement
from infra.local.iam.role_clients import RoleClients
from infra.local.stepfunctions import ending, waiting
from infra.local.stepfunctions.definition import require_valid
from infra.local.stepfunctions.responses import CompleteResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What is replaced below.
STOCK_EVAL_POOL = IterationWorker._eval_pool  # noqa: SLF001
STOCK_FROM_ERROR = StateTaskLambda._from_error  # noqa: SLF001
STOCK_START_DETAILS = Execution.get_start_execution_details
STOCK_CLIENT_FOR = boto_client.boto_client_for
STOCK_PARSE = AmazonStateLanguageParser.parse


class NamingBackend(models.StepFunctionsParserBackend):
    """moto's interpreter, which names executions that have no name, and stops running ones at a reset."""

    def create_state_machine(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - moto's own arguments
        """Create a state machine; the role that it runs with must be allowed to write its log."""
        _require_log_delivery(more.get("roleArn") or args[2], more.get("loggingConfiguration"))
        return super().create_state_machine(*args, **more)

    def start_execution(  # type: ignore[override] # the parser's own back end has it, moto's annotations do not
        self,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Execution:
        """Start an execution."""
        start: Callable[..., Execution] = super().start_execution
        return start(state_machine_arn, name or str(uuid4()), execution_input, trace_header)

    def reset(self) -> None:
        """Stop running executions and delete everything."""
        for machine in self.state_machines:
            for execution in machine.executions:
                ending.stop(execution, error=None, cause="The embedded AWS was reset")
        super().reset()


# The permissions of a role that writes a log (aws: step-functions cw-logs), which take no resource but "*".
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)


def _require_log_delivery(role_arn: str, logging: "Mapping[str, Any] | None") -> None:
    if not logging or logging.get("level", "OFF") == "OFF":
        return
    denied = [action for action in LOG_DELIVERY if not enforcement.is_allowed(role_arn.rsplit("/", 1)[-1], action, "*")]
    if denied:
        message = "The state machine IAM Role is not authorized to access the Log Destination"
        raise ServiceError("AccessDeniedException", f"{message}: {', '.join(denied)}", status=400)


def eval_pool(worker: Any, job: Any, worker_frame: Any) -> None:  # noqa: ANN401 - moto's own classes
    """Evaluate a Map worker's jobs until there are none: `IterationWorker._eval_pool`, without its recursion."""
    while job is not None:
        frame = worker_frame.open_inner_frame()
        worker._eval_job(env=frame, job=job)  # noqa: SLF001
        worker_frame.close_frame(frame)
        failed = isinstance(job.job_output, Exception) or worker.stopped()
        following = None if failed else worker._job_pool.next_job()  # noqa: SLF001
        # As in the original: the frame is closed before the last job, because the Map awaits jobs, not workers.
        if following is None:
            if not failed:
                last = frame.event_history_context.last_published_event_id
                worker_frame.event_history_context.source_event_id = last
            worker._env.close_frame(worker_frame)  # noqa: SLF001
            worker._job_pool.close_job(job)  # noqa: SLF001
            return
        worker._job_pool.close_job(job)  # noqa: SLF001
        job = following
    worker._env.close_frame(worker_frame)  # noqa: SLF001


def from_error(task: Any, env: Any, ex: Exception) -> FailureEvent:  # noqa: ANN401 - moto's own classes
    """Return the failure of a task whose resource is a function's ARN: `StateTaskLambda._from_error`."""
    if not isinstance(ex, ClientError):
        return STOCK_FROM_ERROR(task, env, ex)
    error = f"Lambda.{ex.response['Error']['Code']}"
    details: Any = {"lambdaFunctionFailedEventDetails": {"error": error, "cause": str(ex)}}
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(error),
        event_type=HistoryEventType.LambdaFunctionFailed,
        event_details=details,  # an EventDetails, which is a dict
    )


def start_details(execution: Execution) -> ExecutionDetails:
    """Return the execution's part of the context object: `Execution.get_start_execution_details`."""
    details = STOCK_START_DETAILS(execution)
    started: Any = details.start_time
    text = started.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ExecutionDetails(details.arn, details.name, details.role_arn, details.inpt, text)


@functools.lru_cache(maxsize=8)
def _tree(definition: str) -> Any:  # noqa: ANN401 - a tree of ANTLR's
    return STOCK_PARSE(definition)[1]


def parse(definition: str) -> tuple[Any, Any]:
    """Parse a definition once; each execution gets its own program, since that may hold state."""
    tree = _tree(definition)
    return Preprocessor().visit(tree), tree


_clients: RoleClients | None = None


def client_for(region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ANN401 - as moto has it
    """Return a client that acts in the state machine's role: `boto_client_for`."""
    if _clients is None:
        raise RuntimeError("install() has not been called")
    return _clients.get(region, service, state_credentials.role_arn)


def install(settings: Settings, endpoint_url: str) -> None:
    """Install the corrections, for a server at `endpoint_url`."""
    global _clients  # noqa: PLW0603 - moto's back ends are global to the process, and so is this
    _clients = RoleClients(endpoint_url, "states.amazonaws.com")
    models.stepfunctions_parser_backends.backend = NamingBackend
    models.stepfunctions_parser_backends.clear()
    IterationWorker._eval_pool = eval_pool  # type: ignore[assignment,method-assign] # noqa: SLF001
    StateTaskLambda._from_error = from_error  # type: ignore[assignment,method-assign] # noqa: SLF001
    ending.install()
    waiting.install(settings)
    models.StepFunctionsParserBackend._validate_definition = staticmethod(require_valid)  # type: ignore[method-assign] # noqa: SLF001
    urls.url_paths["{0}/$"] = CompleteResponse.dispatch
    AmazonStateLanguageParser.parse = staticmethod(parse)  # type: ignore[method-assign]
    Execution.get_start_execution_details = start_details  # type: ignore[assignment,method-assign]
    _replace_client_for(client_for)


def reset() -> None:
    """Close the clients of roles that no longer exist."""
    if _clients:
        _clients.clear()


def _replace_client_for(replacement: Any) -> None:  # noqa: ANN401 - a function of moto's shape
    """Replace `boto_client_for` in each module that has imported it by name."""
    modules: list[tuple[str, Any]] = list(sys.modules.items())
    for name, module in modules:
        if name.startswith("moto.stepfunctions.parser") and hasattr(module, "boto_client_for"):
            module.boto_client_for = replacement

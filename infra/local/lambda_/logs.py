"""Write functions' output to CloudWatch Logs, and the metrics in it to CloudWatch."""

import time
from typing import Any

from moto.logs.models import logs_backends

from infra.local.core.settings import Settings
from infra.local.iam.enforcement import is_allowed
from infra.local.lambda_ import embedded_metrics


class FunctionLog:
    """An environment's log stream in CloudWatch, written with the permissions of the function's own role."""

    def __init__(self, function: Any, stream: str, settings: Settings) -> None:  # noqa: ANN401 - moto's LambdaFunction
        """Create the stream, if the role may."""
        self.lines: list[str] = []
        self._group, self._stream, self._settings = function.logs_group_name, stream, settings
        role_name = function.role.rsplit("/", 1)[-1]
        group_arn = f"arn:{settings.partition}:logs:{settings.region}:{settings.account_id}:log-group:{self._group}"
        stream_arn = f"{group_arn}:log-stream:{stream}"
        groups = _log_groups(settings)
        if self._group not in groups.groups and is_allowed(role_name, "logs:CreateLogGroup", f"{group_arn}:*"):
            groups.create_log_group(self._group, {})
        self._is_writable = (
            self._group in groups.groups
            and is_allowed(role_name, "logs:CreateLogStream", stream_arn)
            and is_allowed(role_name, "logs:PutLogEvents", stream_arn)
        )
        if self._is_writable:
            groups.create_log_stream(self._group, stream)

    def write(self, line: str) -> None:
        """Append one line; as on AWS, it is lost if the role may not write it."""
        self.lines.append(line)
        embedded_metrics.extract(line, self._settings)
        if self._is_writable and self._group in _log_groups(self._settings).groups:
            event = {"timestamp": int(time.time() * 1000), "message": line}
            _log_groups(self._settings).put_log_events(self._group, self._stream, [event])


def read_lines(function: Any, settings: Settings) -> list[str]:  # noqa: ANN401 - moto's LambdaFunction
    """Return the lines that a function has logged, oldest first."""
    group = _log_groups(settings).groups.get(function.logs_group_name)
    events = [event for stream in group.streams.values() for event in stream.events] if group else []
    return [event.message for event in sorted(events, key=lambda event: event.timestamp)]


def _log_groups(settings: Settings) -> Any:  # noqa: ANN401 - moto's back ends are not typed for callers
    """Return moto's back end of CloudWatch Logs."""
    return logs_backends[settings.account_id][settings.region]

"""Wait as long as a definition says, or as a setting scales it.

Stock moto waits whole seconds alone, and a Retry's wait is a plain `time.sleep`.
"""

import time
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from infra.local.core.settings import Settings

# What is replaced below.
STOCK_WAIT = WaitFunction._wait_interval  # noqa: SLF001


def install(settings: Settings) -> None:
    """Make Wait states and Retry blocks wait `settings.step_functions.wait_scale` times as long."""

    def wait(_function: WaitFunction, env: Any, wait_seconds: float) -> None:  # noqa: ANN401 - moto's own
        """Wait until the time is over or the execution has ended: `WaitFunction._wait_interval`."""
        end = time.monotonic() + wait_seconds * settings.step_functions.wait_scale
        while env.is_running() and (left := end - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    WaitFunction._wait_interval = wait  # type: ignore[assignment,method-assign] # noqa: SLF001
    # An execution that is stopped meanwhile has ended; its thread notices that afterwards.
    scaled = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * settings.step_functions.wait_scale))
    setattr(retrier_decl, "time", scaled)  # noqa: B010 - the module's own import

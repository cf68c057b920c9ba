"""Rolls a stack back whose resources could not be created or updated, which moto leaves half done."""

import functools
from collections.abc import Callable
from typing import Any

from moto.cloudformation.models import CloudFormationBackend, Stack

from infra.local.cloudformation import deploy
from infra.local.cloudformation.context import Aws
from infra.local.core.requests import ServiceError

# moto's own, which are replaced each time an embedded AWS starts.
_execute_change_set, _update_stack = CloudFormationBackend.execute_change_set, CloudFormationBackend.update_stack
_create_resources = Stack.create_resources


def install(aws: Aws) -> None:
    """Make moto roll back, whether a change set is executed, or a stack is created or updated without one."""

    def by_change_set(self: CloudFormationBackend, change_set_name: str, stack_name: str | None = None) -> None:
        found = [each for key, each in self.change_sets.items() if change_set_name in (key, each.change_set_name)]
        if not found:
            raise ServiceError("ChangeSetNotFound", f"ChangeSet [{change_set_name}] does not exist", status=404)
        change_set = found[0]
        stack = self.stacks[change_set.stack_id]
        creates = change_set.change_set_type == "CREATE"
        if not _try(aws, stack, lambda: _execute_change_set(self, change_set_name, stack_name), creates=creates):
            change_set.execution_status = "EXECUTE_FAILED"

    def updated(self: CloudFormationBackend, name: str, *arguments: Any, **more: Any) -> Stack:  # noqa: ANN401 - moto's
        stack = self.get_stack(name)
        _try(aws, stack, lambda: _update_stack(self, name, *arguments, **more), creates=False)
        return stack

    def create_resources(self: Stack) -> None:
        _try(aws, self, lambda: _create_resources(self), creates=True)

    backend: Any = CloudFormationBackend
    backend.execute_change_set = functools.wraps(_execute_change_set)(by_change_set)
    backend.update_stack = functools.wraps(_update_stack)(updated)
    Stack.create_resources = functools.wraps(_create_resources)(create_resources)  # type: ignore[method-assign]


def _try(aws: Aws, stack: Stack, change: Callable[[], object], *, creates: bool) -> bool:
    """Return whether a stack could be changed; if not, it is as before the change, and its events say why."""
    resources: Any = stack.resource_map
    template, parameters = resources.template, dict(resources.resolved_parameters)
    try:
        change()
    except Exception as error:  # noqa: BLE001 - whatever a service refuses
        kind = "" if creates else "UPDATE_"
        stack._add_stack_event(f"{kind}ROLLBACK_IN_PROGRESS", str(error))  # noqa: SLF001
        try:
            if creates and stack.name in aws.stacks:
                deploy.destroy(aws, stack.name, rolls_back=True)
            elif not creates:
                resources.update(template, parameters)
        except Exception as fault:  # noqa: BLE001 - a resource that somebody has deleted meanwhile, for example
            stack.status = f"{kind}ROLLBACK_FAILED"
            stack._add_stack_event(stack.status, str(fault))  # noqa: SLF001
        else:
            stack.status = f"{kind}ROLLBACK_COMPLETE"
            stack._add_stack_event(stack.status)  # noqa: SLF001
        return False
    return True

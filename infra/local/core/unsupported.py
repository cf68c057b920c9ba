"""Operations that moto answers without doing what they are for; a refusal is better than such a success."""

import re

# Patterns of operations, by botocore's name of their service.
WITHOUT_EFFECT = {
    "cloudformation": re.compile(r"\w*(StackSet|StackInstance)\w*"),
    "events": re.compile(r"\w*(Partner|Archive|Replay|Connection|ApiDestination|Permission|EventSource)\w*"),
    "lambda": re.compile(r"\w*(FunctionUrlConfig|EventSourceMapping|EventInvokeConfig)s?"),
    "stepfunctions": re.compile(r"\w*StateMachineAlias(es)?|(Describe|Update)MapRun|StartSyncExecution|TestState"),
}


def is_without_effect(service: str, operation: str) -> bool:
    """Return whether an operation is refused as not implemented, although moto has it."""
    pattern = WITHOUT_EFFECT.get(service)
    return pattern is not None and pattern.fullmatch(operation) is not None

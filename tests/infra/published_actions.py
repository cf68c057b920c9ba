"""Checks statements against the actions and resource types that AWS publishes, as policy_sentry ships them.

Runs by itself, in the environment that has policy_sentry: reads [[role, action, resource], …] on standard input, and
prints those that AWS would never match, each with the reason.
"""

import json
import re
import sys

from policy_sentry.querying.actions import get_action_data


def fault(action: str, resource: str) -> str | None:
    """Return what is wrong with a permission, or None."""
    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    if not found:
        return "AWS publishes no such action"
    formats = {each["resource_arn_format"] for each in found[service]}
    if resource == "*":
        return None if formats == {"*"} else f"it has resource types: {', '.join(sorted(formats))}"
    patterns = (re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(each)) for each in formats - {"*"})
    if any(re.fullmatch(pattern, resource) for pattern in patterns):
        return None
    return f"its resource types are {', '.join(sorted(formats))}"


if __name__ == "__main__":
    permissions = json.load(sys.stdin)
    faults = [[*each, why] for each in permissions if (why := fault(*each[1:]))]
    json.dump(faults, sys.stdout)

"""How an event gets to a rule's target: it is tried, tried again, and at last goes to the dead-letter queue.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and eb-rule-dlq.html
"""

import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.core.background import Later
from infra.local.core.settings import Settings
from infra.local.events import input as event_input
from infra.local.events import targets as event_targets
from infra.local.events.targets import NotDelivered, Sender

_log = logging.getLogger(__name__)

MAXIMUM_RETRY_ATTEMPTS = 185
MAXIMUM_EVENT_AGE_SECONDS = 86_400
LONGEST_WAIT_SECONDS = 600.0  # how AWS spreads its retries is not documented, but that they back off with jitter


@dataclass
class Delivery:
    """One event on its way to one target."""

    sender: Sender
    later: Later
    settings: Settings
    event: Mapping[str, Any]
    target: Mapping[str, Any]
    rule_arn: str
    reserved: Mapping[str, Any]
    retries: int = 0
    born: float = field(default_factory=time.monotonic)

    def attempt(self) -> None:
        """Try once; arrange for the next try, or for the dead-letter queue, when it fails."""
        try:
            self.sender.send(self.target, self._text(), self.rule_arn, str(self.event["id"]))
        except NotDelivered as failure:
            if self.later.stopped:  # what it was for is gone
                return
            exhausted = self._exhausted() if failure.worth_retrying else None
            if failure.worth_retrying and exhausted is None:
                self.retries += 1
                self.later.add(self.attempt, self._wait())
            else:
                self._give_up(failure, exhausted)

    def _text(self) -> str:
        try:
            text = event_input.for_target(self.target, self.event, self.reserved)
            if event_targets.wants_json(self.target["Arn"]):
                json.loads(text)
        except ValueError as error:
            raise NotDelivered("INVALID_JSON", f"The input for the target is not valid: {error}") from error
        return text

    def _exhausted(self) -> str | None:
        policy = self.target.get("RetryPolicy") or {}
        if self.retries >= policy.get("MaximumRetryAttempts", MAXIMUM_RETRY_ATTEMPTS):
            return "MaximumRetryAttempts"
        allowed = policy.get("MaximumEventAgeInSeconds", MAXIMUM_EVENT_AGE_SECONDS)
        if time.monotonic() - self.born >= allowed * self.settings.events.retry_scale:
            return "MaximumEventAgeInSeconds"
        return None

    def _wait(self) -> float:
        longest: float = min(2.0 ** min(self.retries - 1, 30), LONGEST_WAIT_SECONDS)
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return longest * jitter * self.settings.events.retry_scale

    def _give_up(self, failure: NotDelivered, exhausted: str | None) -> None:
        queue = (self.target.get("DeadLetterConfig") or {}).get("Arn")
        attributes = {
            "RULE_ARN": self.rule_arn,
            "TARGET_ARN": self.target["Arn"],
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "RETRY_ATTEMPTS": str(self.retries),
        }
        if exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
        lost = "it has no dead-letter queue"
        if queue:
            try:
                self.sender.bury(queue, event_input.write(self.event), attributes, self.rule_arn)
            except NotDelivered as error:
                lost = f"its dead-letter queue does not take it: {error.code}: {error.message}"
            else:
                return
        _log.warning(
            "Event %s of %s did not reach %s (%s: %s), and %s",
            self.event["id"],
            self.rule_arn,
            self.target["Arn"],
            failure.code,
            failure.message,
            lost,
        )

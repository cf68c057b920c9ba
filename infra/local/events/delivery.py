"""Deliver an event to a target of a rule, with retries and at last the target's dead-letter queue.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and eb-rule-dlq.html
"""

import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.core.background import BackgroundQueue
from infra.local.core.settings import Settings
from infra.local.events.input import build_input, write_json
from infra.local.events.targets import NotDelivered, Sender, requires_json

_log = logging.getLogger(__name__)

MAXIMUM_RETRY_ATTEMPTS = 185
MAXIMUM_EVENT_AGE_SECONDS = 86_400
LONGEST_WAIT_SECONDS = 600.0  # AWS documents that retries back off with jitter, not how


@dataclass
class Delivery:
    """The delivery of one event to one target."""

    sender: Sender
    queue: BackgroundQueue
    settings: Settings
    event: Mapping[str, Any]
    target: Mapping[str, Any]
    rule_arn: str
    reserved: Mapping[str, Any]
    retries: int = 0
    created_at: float = field(default_factory=time.monotonic)

    def attempt(self) -> None:
        """Send the event; if that fails, schedule the next attempt or use the dead-letter queue."""
        try:
            self.sender.send(self.target, self._build_input(), self.rule_arn, str(self.event["id"]))
        except NotDelivered as error:
            if self.queue.is_stopped:  # a reset has removed the target
                return
            exhausted = self._exhausted_limit() if error.is_retryable else None
            if error.is_retryable and exhausted is None:
                self.retries += 1
                self.queue.add(self.attempt, self._wait())
            else:
                self._give_up(error, exhausted)

    def _build_input(self) -> str:
        try:
            text = build_input(self.target, self.event, self.reserved)
            if requires_json(self.target["Arn"]):
                json.loads(text)
        except ValueError as error:
            raise NotDelivered("INVALID_JSON", f"The input for the target is not valid: {error}") from error
        return text

    def _exhausted_limit(self) -> str | None:
        policy = self.target.get("RetryPolicy") or {}
        if self.retries >= policy.get("MaximumRetryAttempts", MAXIMUM_RETRY_ATTEMPTS):
            return "MaximumRetryAttempts"
        allowed = policy.get("MaximumEventAgeInSeconds", MAXIMUM_EVENT_AGE_SECONDS)
        if time.monotonic() - self.created_at >= allowed * self.settings.events.retry_scale:
            return "MaximumEventAgeInSeconds"
        return None

    def _wait(self) -> float:
        longest: float = min(2.0 ** min(self.retries - 1, 30), LONGEST_WAIT_SECONDS)
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return longest * jitter * self.settings.events.retry_scale

    def _give_up(self, cause: NotDelivered, exhausted: str | None) -> None:
        dead_letter_queue = (self.target.get("DeadLetterConfig") or {}).get("Arn")
        attributes = {
            "RULE_ARN": self.rule_arn,
            "TARGET_ARN": self.target["Arn"],
            "ERROR_CODE": cause.code,
            "ERROR_MESSAGE": cause.message,
            "RETRY_ATTEMPTS": str(self.retries),
        }
        if exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
        why_lost = "it has no dead-letter queue"
        if dead_letter_queue:
            try:
                body = write_json(self.event)
                self.sender.send_undelivered(dead_letter_queue, body, attributes, self.rule_arn)
            except NotDelivered as error:
                why_lost = f"its dead-letter queue does not take it: {error.code}: {error.message}"
            else:
                return
        _log.warning(
            "Event %s of %s did not reach %s (%s: %s), and %s",
            self.event["id"],
            self.rule_arn,
            self.target["Arn"],
            cause.code,
            cause.message,
            why_lost,
        )

"""EventBridge: matches events, fires schedules and delivers to targets, with retries and dead-letter queues.

moto stores rules, but starts no state machine and fires no schedule.
"""

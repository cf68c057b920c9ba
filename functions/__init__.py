"""The Lambda code: a verb is a Lambda, a noun is shared."""

"""Writes metrics in CloudWatch's embedded metric format: a line in the log, without a call or a permission.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Mapping
from datetime import datetime

NAMESPACE = "MtlsRevocation"

# Each metric and its unit, as CloudWatch names it.
UNITS = {
    "TimeToEnforcement": "Seconds",
    "SerialsRevoked": "Count",
    "SerialsFailed": "Count",
    "SerialsEnforced": "Count",
    "DriftsCorrected": "Count",
    "AttachedCrlAge": "Seconds",
    "TimeToNextUpdate": "Seconds",
    "DaysToCaExpiry": "None",
    "DroppedEntries": "Percent",
    "RevocationEntriesUsed": "Percent",
    "RevocationListsUsed": "Percent",
    "HeadroomUsedByNextCrl": "Percent",
}


def emit(values: Mapping[str, float], dimensions: Mapping[str, str], now: datetime) -> None:
    """Write one data point for each metric, under the first dimension alone and under all dimensions together."""
    names = list(dimensions)
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [names[:1], names] if len(names) > 1 else [names],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    metadata = {"Timestamp": round(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": metadata, **dimensions, **values}), flush=True)  # noqa: T201 - the format is a line of the log

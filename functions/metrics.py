"""Metrics in CloudWatch's embedded metric format: a line in the log, no call and no permission.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Mapping
from datetime import datetime

NAMESPACE = "MtlsRevocation"

# Each metric and its unit, as CloudWatch writes it.
UNITS = {
    "TimeToEnforcement": "Seconds",
    "SerialsRevoked": "Count",
    "SerialsFailed": "Count",
    "SerialsEnforced": "Count",
    "DriftsCorrected": "Count",
    "AttachedCrlAge": "Seconds",
    "TimeToNextUpdate": "Seconds",
    "RevocationEntriesUsed": "Percent",
    "RevocationListsUsed": "Percent",
    "HeadroomUsedByNextCrl": "Percent",
}


def emit(values: Mapping[str, float], dimensions: Mapping[str, str], now: datetime) -> None:
    """Write data points; each is found under its first dimension alone, and under all of them."""
    names = list(dimensions)
    sets = [names[:1], names] if len(names) > 1 else [names]
    block = {
        "Namespace": NAMESPACE,
        "Dimensions": sets,
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    about = {"Timestamp": round(now.timestamp() * 1000), "CloudWatchMetrics": [block]}
    print(json.dumps({"_aws": about, **dimensions, **values}), flush=True)  # noqa: T201 - as the format wants it

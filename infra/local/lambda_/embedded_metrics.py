"""The embedded metric format: what a function prints in it becomes data in CloudWatch, as on AWS.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from infra.local.core.settings import Settings


def extract(line: str, settings: Settings) -> None:
    """Put the metrics of a log line into CloudWatch; a line in another format has none."""
    if '"_aws"' not in line:
        return
    try:
        told = json.loads(line)
        blocks = told["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):  # CloudWatch drops them silently too
        return
    backend = cloudwatch_backends[settings.account_id][settings.region]
    moment = datetime.fromtimestamp(told["_aws"]["Timestamp"] / 1000, UTC)
    for block in blocks:
        backend.put_metric_data(block["Namespace"], list(_data(told, block, moment)))


def _data(told: dict[str, Any], block: dict[str, Any], moment: datetime) -> Iterator[dict[str, Any]]:
    for names in block["Dimensions"]:
        dimensions = [{"Name": name, "Value": told[name]} for name in names]
        for metric in block["Metrics"]:
            yield {
                "MetricName": metric["Name"],
                "Dimensions": dimensions,
                "Value": float(told[metric["Name"]]),
                "Unit": metric.get("Unit", "None"),
                "Timestamp": moment,
            }

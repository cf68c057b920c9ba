"""Put metrics that functions print in the embedded metric format into CloudWatch.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from infra.local.core.settings import Settings


def extract(line: str, settings: Settings) -> None:
    """Put the metrics of a log line into CloudWatch; lines in other formats have none."""
    if '"_aws"' not in line:
        return
    try:
        document = json.loads(line)
        blocks = document["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):  # CloudWatch drops them silently too
        return
    backend = cloudwatch_backends[settings.account_id][settings.region]
    moment = datetime.fromtimestamp(document["_aws"]["Timestamp"] / 1000, UTC)
    for block in blocks:
        backend.put_metric_data(block["Namespace"], list(_data(document, block, moment)))


def _data(document: dict[str, Any], block: dict[str, Any], moment: datetime) -> Iterator[dict[str, Any]]:
    for names in block["Dimensions"]:
        dimensions = [{"Name": name, "Value": document[name]} for name in names]
        for metric in block["Metrics"]:
            yield {
                "MetricName": metric["Name"],
                "Dimensions": dimensions,
                "Value": float(document[metric["Name"]]),
                "Unit": metric.get("Unit", "None"),
                "Timestamp": moment,
            }

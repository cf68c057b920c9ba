"""How alarms and dashboards of the template are created."""

from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Resource, ResourceType, to_text

LIMITATIONS: dict[tuple[str, str], str] = {
    ("AWS::CloudWatch::Alarm", "AlarmActions"): "recorded; alarms are not evaluated",
    ("AWS::CloudWatch::Alarm", "OKActions"): "recorded; alarms are not evaluated",
}

_TEXTS = ("AlarmDescription", "ComparisonOperator", "MetricName", "Namespace", "Statistic", "TreatMissingData", "Unit")
_LISTS = ("AlarmActions", "Dimensions", "InsufficientDataActions", "OKActions")
_NUMBERS = ("DatapointsToAlarm", "EvaluationPeriods", "Period")


def _create_alarm(aws: Aws, properties: Properties) -> Resource:
    name = properties.take("AlarmName") or properties.generate_name(255)
    numbers = {key: int(value) for key, value in properties.take_present(*_NUMBERS).items()}
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Threshold=float(properties.take("Threshold")),
        Metrics=[_metric(dict(metric)) for metric in properties.take("Metrics", [])],
        **numbers,
        **properties.take_present(*_TEXTS, *_LISTS),
    )
    arn = f"arn:{aws.settings.partition}:cloudwatch:{aws.settings.region}:{aws.settings.account_id}:alarm:{name}"
    return Resource(name, {"Arn": arn})


def _metric(metric: dict[str, Any]) -> dict[str, Any]:
    """Return a metric for PutMetricAlarm; a template may hold its number and boolean as strings."""
    if "ReturnData" in metric:
        metric["ReturnData"] = to_text(metric["ReturnData"]) == "true"
    if "MetricStat" in metric:
        metric["MetricStat"] = {**metric["MetricStat"], "Period": int(metric["MetricStat"]["Period"])}
    return metric


def _create_dashboard(aws: Aws, properties: Properties) -> Resource:
    name = properties.take("DashboardName") or properties.generate_name(255)
    aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=properties.take("DashboardBody"))
    return Resource(name, {})


RESOURCE_TYPES: dict[str, ResourceType] = {
    "AWS::CloudWatch::Alarm": ResourceType(
        _create_alarm, lambda aws, resource: aws.client("cloudwatch").delete_alarms(AlarmNames=[resource.ref])
    ),
    "AWS::CloudWatch::Dashboard": ResourceType(
        _create_dashboard,
        lambda aws, resource: aws.client("cloudwatch").delete_dashboards(DashboardNames=[resource.ref]),
    ),
}

"""How alarms and dashboards of the template are made on the embedded AWS."""

from typing import Any

from infra.local.cloudformation.context import Aws
from infra.local.cloudformation.resource import Properties, Realised, Realiser, text

NOT_LOCAL: dict[tuple[str, str], str] = {
    ("AWS::CloudWatch::Alarm", "AlarmActions"): "recorded; no alarm is ever evaluated",
    ("AWS::CloudWatch::Alarm", "OKActions"): "recorded; no alarm is ever evaluated",
}

_TEXTS = ("AlarmDescription", "ComparisonOperator", "MetricName", "Namespace", "Statistic", "TreatMissingData", "Unit")
_LISTS = ("AlarmActions", "Dimensions", "InsufficientDataActions", "OKActions")
_NUMBERS = ("DatapointsToAlarm", "EvaluationPeriods", "Period")


def _alarm(aws: Aws, properties: Properties) -> Realised:
    name = properties.take("AlarmName") or properties.name(255)
    numbers = {key: int(value) for key, value in properties.chosen(**{each: each for each in _NUMBERS}).items()}
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Threshold=float(properties.take("Threshold")),
        Metrics=[_metric(dict(metric)) for metric in properties.take("Metrics", [])],
        **numbers,
        **properties.chosen(**{each: each for each in (*_TEXTS, *_LISTS)}),
    )
    arn = f"arn:aws:cloudwatch:{aws.settings.region}:{aws.settings.account_id}:alarm:{name}"
    return Realised(name, {"Arn": arn})


def _metric(metric: dict[str, Any]) -> dict[str, Any]:
    """Return a metric as PutMetricAlarm wants it; what is a number or a switch in a template may be a text."""
    if "ReturnData" in metric:
        metric["ReturnData"] = text(metric["ReturnData"]) == "true"
    if "MetricStat" in metric:
        metric["MetricStat"] = {**metric["MetricStat"], "Period": int(metric["MetricStat"]["Period"])}
    return metric


def _dashboard(aws: Aws, properties: Properties) -> Realised:
    name = properties.take("DashboardName") or properties.name(255)
    aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=properties.take("DashboardBody"))
    return Realised(name, {})


REALISERS: dict[str, Realiser] = {
    "AWS::CloudWatch::Alarm": Realiser(
        _alarm, lambda aws, it: aws.client("cloudwatch").delete_alarms(AlarmNames=[it.ref])
    ),
    "AWS::CloudWatch::Dashboard": Realiser(
        _dashboard, lambda aws, it: aws.client("cloudwatch").delete_dashboards(DashboardNames=[it.ref])
    ),
}

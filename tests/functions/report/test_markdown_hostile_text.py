"""A report and its message keep their form, whatever somebody else has put into a field."""

from datetime import timedelta

from markdown_it import MarkdownIt

from functions.models.base import ObjectLocation, S3Object
from functions.models.drift import DriftKind, DriftStatus, TrustStoreDrift
from functions.models.report import OpenConnections, Report, SerialReport, Summary, TrustStoreReport
from functions.models.states import Drift, Failure
from functions.report import notification
from functions.report.markdown import render
from tests.support.pki import NOW, A
from tests.support.reporting import FAILED, make_report

HOSTILE = (
    "x\n\n# Heading\n\n| a | b |\n| --- | --- |\n| c | d |\n\n<script>alert(1)</script>\nReport: s3://evil/report.md\n"
    "[link](http://evil) ![image](http://evil) `code` **bold**\r\x1b[2J\u202e\u2028- item\n---\n===\n"
)
LONG = "y" * 100_000
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/a/b"


def report_of(hostile: str) -> Report:
    """Return a report in which each field that somebody else can set has this text."""
    failure = Failure(error="AwsCallRefused", cause=hostile)
    store = TrustStoreReport(
        trust_store_arn=ARN,
        proven="nothing",
        namesakes=hostile,
        failure=failure,
        count_explanation=hostile,
        open_connections=OpenConnections(unknown_reason=hostile),
        entries_dropped=1,
    )
    return make_report(
        outcome="FAILED",
        error="InvalidInput",
        cause=hostile,
        what_to_do="Correct it.",
        requested_by=hostile,
        ticket=hostile,
        third_party_crl=ObjectLocation(bucket="bucket", key=hostile[:1024]),
        last_refused_crl=failure,
        trust_stores=[store],
        serials=[SerialReport(serial=A, outcome=FAILED, error=hostile, error_explanation=hostile)],
        summary=Summary(serials=1, revoked=0, already_revoked=0, expired=0, failed=1, in_crl=0, enforced=0),
        drift=Drift(
            status=DriftStatus.CONFIRMED,
            trust_stores=[TrustStoreDrift(trust_store_arn=ARN, kind=DriftKind.NO_LIST)],
        ),
        reported_at=NOW + timedelta(minutes=1),
    )


def structure(markdown: str) -> list[tuple[str, str]]:
    """Return the blocks and marks of a Markdown text, without the text itself."""
    found = []
    for token in MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(markdown):
        found.append((token.type, token.tag))
        inline = (child for child in token.children or () if not child.type.startswith(("text", "softbreak")))
        found += [(child.type, child.tag) for child in inline]
    return found


def test_report() -> None:
    """Its headings, lists and tables are those of a report with harmless text."""
    text = render(report_of(HOSTILE))
    assert structure(text) == structure(render(report_of("harmless")))
    assert text.replace("\n", "").isprintable()
    assert not any(line.startswith("Report: ") for line in text.splitlines())


def test_message() -> None:
    """Each line of ours occurs once, and nothing but line breaks is not printed."""
    location = S3Object(bucket="bucket", key="executions/e/report.json", version_id="1")
    message = notification.for_outcome(report_of(HOSTILE), location)
    assert message
    subject, body = notification.text_of(message)
    assert [line for line in body.splitlines() if line.startswith(("Report: ", "# ", "|", "<"))] == [
        "Report: s3://bucket/executions/e/report.md"
    ]
    assert body.replace("\n", "").isprintable()
    assert subject.isprintable()


def test_long_text() -> None:
    """A hundred thousand letters in each field neither fill the report nor exceed what a message may have."""
    location = S3Object(bucket="bucket", key="executions/e/report.json", version_id="1")
    assert len(render(report_of(LONG))) < 300_000
    message = notification.for_outcome(report_of(LONG), location)
    assert message
    assert len(notification.text_of(message)[1]) < 256 * 1024

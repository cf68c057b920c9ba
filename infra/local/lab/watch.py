"""Shows an execution while it runs: a live table in a terminal, plain lines otherwise."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table

from infra.cli.follow import StateVisit, follow

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def watch(
    console: Console,
    stepfunctions: "SFNClient",
    execution_arn: str,
    seen: Callable[[StateVisit], None] = lambda _: None,
) -> None:
    """Follow an execution to its end, state by state with times; `seen` is told of each as well."""
    start = stepfunctions.describe_execution(executionArn=execution_arn)["startDate"]
    events = _told(seen, follow(stepfunctions, execution_arn))
    if not console.is_terminal:
        for event in events:
            if event.left_at:
                console.print(_line(event, start), markup=False)
        return
    rows: dict[tuple[str, datetime], StateVisit] = {}
    with Live(_table(rows, start), console=console, refresh_per_second=10) as live:
        for event in events:
            rows[event.state, event.entered_at] = event
            live.update(_table(rows, start))


def _told(seen: Callable[[StateVisit], None], events: Iterator[StateVisit]) -> Iterator[StateVisit]:
    for event in events:
        seen(event)
        yield event


def _line(event: StateVisit, start: datetime) -> str:
    left = event.left_at or event.entered_at
    seconds = (left - start).total_seconds()
    return f"  {seconds:6.2f} s  {event.state:22} {event.note}".rstrip()


def _table(rows: dict[tuple[str, datetime], StateVisit], start: datetime) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("", "from", "seconds", "state", ""):
        table.add_column(title, justify="right" if title in ("from", "seconds") else "left")
    for event in rows.values():
        took = f"{(event.left_at - event.entered_at).total_seconds():.2f}" if event.left_at else ""
        mark = "[green]✔[/]" if event.left_at else "[yellow]●[/]"
        table.add_row(mark, f"{(event.entered_at - start).total_seconds():.2f} s", took, event.state, event.note)
    return table

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
    on_state: Callable[[StateVisit], None] = lambda _: None,
) -> None:
    """Follow an execution to its end, state by state with times; `on_state` is called for each."""
    start = stepfunctions.describe_execution(executionArn=execution_arn)["startDate"]
    visits = _notify(on_state, follow(stepfunctions, execution_arn))
    if not console.is_terminal:
        for visit in visits:
            if visit.left_at:
                console.print(_line(visit, start), markup=False)
        return
    rows: dict[tuple[str, datetime], StateVisit] = {}
    with Live(_table(rows, start), console=console, refresh_per_second=10) as live:
        for visit in visits:
            rows[visit.state, visit.entered_at] = visit
            live.update(_table(rows, start))


def _notify(on_state: Callable[[StateVisit], None], visits: Iterator[StateVisit]) -> Iterator[StateVisit]:
    for visit in visits:
        on_state(visit)
        yield visit


def _line(visit: StateVisit, start: datetime) -> str:
    left = visit.left_at or visit.entered_at
    seconds = (left - start).total_seconds()
    return f"  {seconds:6.2f} s  {visit.state:22} {visit.note}".rstrip()


def _table(rows: dict[tuple[str, datetime], StateVisit], start: datetime) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("", "from", "seconds", "state", ""):
        table.add_column(title, justify="right" if title in ("from", "seconds") else "left")
    for visit in rows.values():
        took = f"{(visit.left_at - visit.entered_at).total_seconds():.2f}" if visit.left_at else ""
        mark = "[green]✔[/]" if visit.left_at else "[yellow]●[/]"
        table.add_row(mark, f"{(visit.entered_at - start).total_seconds():.2f} s", took, visit.state, visit.note)
    return table

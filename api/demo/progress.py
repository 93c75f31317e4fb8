"""Shows how far a long operation is: bars on a terminal, plain lines in a log."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

Report = Callable[[str, int, int], None]
"""Told with the name of a stage, how many of its records are done, and how many there are."""


@contextmanager
def shown(console: Console) -> Generator[Report]:
    """A report that the console shows while it is open."""
    if not console.is_terminal:
        yield lambda stage, done, total: _tell(console, stage, done, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done)

        yield report


def _tell(console: Console, stage: str, done: int, total: int) -> None:
    if done == total:
        console.print(f"{stage}：{total}")

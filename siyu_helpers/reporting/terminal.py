"""Terminal: what a run of `siyu render` tells while it goes on, and the table at its end."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from rich.table import Column, Table
from rich.text import Text

from siyu_helpers.reporting.records import RunRecord

COLOURS = {"rendered": "green", "unchanged": "dim", "failed": "red", "interrupted": "yellow"}
#: Columns of a terminal on which the table has room for times.
WIDE = 70
GOING_ON = ("waiting", "running")


class Telling:
    """Shows how far a run has come: a bar with the time left on a terminal, a line for each page anywhere else.

    Use it as a context manager, and hand it to `render` as `progress`.

    Parameters
    ----------
    console : rich.console.Console
    jobs : int
        How many pages are made side by side, for the time left.
    """

    def __init__(self, console: Console, jobs: int):
        self.console, self.jobs = console, jobs
        self.records: dict[tuple[str, str], RunRecord] = {}
        self.started: dict[tuple[str, str], float] = {}
        columns = (
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            _TimeLeft(self),
            TextColumn("[dim]{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        )
        self.bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal, expand=True)
        self.task: Any = None

    def __enter__(self) -> "Telling":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, record: RunRecord) -> None:
        """Take note of a record whose status has changed."""
        key = (record.brand, record.notebook)
        if record.status == "unchanged":
            return
        self.records[key] = record
        if record.status == "running":
            self.started[key] = time.monotonic()
        elif record.status not in GOING_ON and not self.console.is_terminal:
            self.console.print(_line(record), soft_wrap=True)
        self._draw()

    def _draw(self) -> None:
        if self.task is None:
            self.task = self.bar.add_task("", total=len(self.records))
        running = [record for record in self.records.values() if record.status == "running"]
        done = sum(1 for record in self.records.values() if record.status not in GOING_ON)
        said = escape(", ".join(f"{record.brand} {record.notebook[:2]}" for record in running))
        self.bar.update(self.task, total=len(self.records), completed=done, description=said)

    def seconds_left(self) -> float | None:
        """Seconds until all pages are made; None as long as nothing is known of any."""
        gone = {key: time.monotonic() - started for key, started in self.started.items()}
        return seconds_left(list(self.records.values()), [gone.get(key, 0.0) for key in self.records], self.jobs)


class _TimeLeft(ProgressColumn):
    max_refresh = 0.5

    def __init__(self, telling: Telling):
        super().__init__(table_column=Column(no_wrap=True, min_width=14))
        self.telling = telling

    def render(self, task: Any) -> Text:
        """The time left, in words."""
        left = self.telling.seconds_left()
        return Text("" if left is None else f"about {duration(left)} left")


def seconds_left(records: list[RunRecord], gone: list[float], jobs: int) -> float | None:
    """Seconds until all pages are made, from what they took before, else from the mean of those finished.

    Parameters
    ----------
    records : list of RunRecord
        All pages of the run that have to be made.
    gone : list of float
        How long each has been running already.
    jobs : int
        How many are made side by side.

    Example
    -------
    >>> two = [RunRecord("a", "01_x", ["zh"], status="running", expected=9), RunRecord("b", "01_x", ["zh"], expected=6)]
    >>> seconds_left(two, [4, 0], jobs=1), seconds_left(two, [4, 0], jobs=2)
    (11, 6)
    """
    took = [record.seconds for record in records if record.status == "rendered"]
    known = took or [record.expected for record in records if record.expected]
    if not known:
        return None
    usual = sum(known) / len(known)
    left = [
        max(0, (record.expected or usual) - already)
        for record, already in zip(records, gone, strict=True)
        if record.status in GOING_ON
    ]
    return max([sum(left) / jobs, *left]) if jobs > 1 else sum(left)


def duration(seconds: float) -> str:
    """A rough time in words.

    >>> duration(8.2), duration(200)
    ('8 s', '3 min')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _line(record: RunRecord) -> str:
    colour = COLOURS.get(record.status, "yellow")
    place = f"{escape(record.brand)}  {escape(record.notebook)}"
    return f"[{colour}]{record.status:>11}[/]  {place}  {record.seconds:.1f} s"


def summary(records: list[RunRecord], out: Path, console: Console) -> None:
    """Print what happened: a table, each failure with its reason in full, and the page to open."""
    if not records:
        console.print("No brand found. Make one with: siyu new BRAND")
        return
    console.print(_table(records, console.width >= WIDE))
    for error in dict.fromkeys(record.error for record in records if record.error):
        who = ", ".join(f"{record.brand} {record.notebook}" for record in records if record.error == error)
        console.print(f"\n[red]{escape(who)}[/]: {escape(error)}", soft_wrap=True)
    for record in records:
        for warning in record.warnings:
            who = f"{escape(record.brand)} {escape(record.notebook)}"
            console.print(f"[yellow]{who} wrote to stderr:[/] {escape(warning.strip())}")
    counts = Counter(record.status for record in records)
    said = ", ".join(f"{number} {status}" for status, number in counts.items())
    where = f" Open {escape(str(out / 'index.html'))}" if counts["rendered"] or counts["unchanged"] else ""
    console.print(f"\n{said}.{where}", soft_wrap=True)
    for brand in dict.fromkeys(record.brand for record in records if record.moved):
        console.print(f"Which numbers moved, and why: {escape(str(out / brand / 'index.html'))}", soft_wrap=True)


def _table(records: list[RunRecord], wide: bool) -> Table:
    """One row a record; without the times where there is no room for them, or the names would go."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name, justify in (("brand", "left"), ("notebook", "left")):
        table.add_column(name, justify=justify, overflow="fold")
    times = (("cells", "right"), ("other", "right"), ("numbers", "right")) if wide else ()
    for name, justify in (("", "left"), *times, ("pages", "left")):
        table.add_column(name, justify=justify, no_wrap=True)
    for record in records:
        made = record.status == "rendered"
        took = (
            f"{record.cell_seconds:.1f} s" if made else "",
            f"{max(0.0, record.seconds - record.cell_seconds):.1f} s" if made else "",
            f"{record.moved:,} moved" if record.moved else "",
        )
        table.add_row(
            Text(record.brand),
            Text(record.notebook),
            Text(record.status, COLOURS.get(record.status, "yellow")),
            *(took if wide else ()),
            ", ".join(record.languages) if record.status in ("rendered", "unchanged") else "",
        )
    return table

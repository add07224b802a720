"""Shows a rehearsal while it goes on: a live table on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.execution_record import ActionRecord, ExecutionRecord
from dpra_constructs.rehearsal.pipeline_api import Approval

_COLOURS = {"Succeeded": "green", "Failed": "bold red", "InProgress": "yellow"}
_REFRESH_SECONDS = 0.25


class RehearsalDisplay:
    """Tells how a rehearsal goes, and asks for approvals.

    Args:
        console: where to.
        answer: the answer to all approvals; None asks a person.
    """

    def __init__(self, console: Console, answer: bool | None) -> None:
        self._console = console
        self._given = answer
        self._live: Live | None = None
        self._lines: dict[tuple[str, str, str], str] = {}
        self._started = time.monotonic()

    def step(self, name: str) -> None:
        """Tell that a step begins."""
        self.close()
        self._console.print(f"{self._clock()} {name}")

    def note(self, text: str) -> None:
        """Tell what a person should know."""
        self._console.print(f"{self._clock()} note: {text}")

    def execution(self, record: ExecutionRecord) -> None:
        """Tell how an execution stands."""
        if not self._console.is_terminal:
            self._print_changes(record)
            return
        table = _table(record)
        if self._live is None:
            self._live = Live(table, console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(table, refresh=True)
        if record.is_over:
            self.close()
            self._console.print(table)

    def answer(self, approval: Approval) -> bool | None:
        """Answer as told, or ask."""
        if approval.message:
            self.close()
            for line in approval.message.splitlines():
                self._console.print(f"{'':7} | {line}", markup=False, soft_wrap=True)
        if self._given is not None:
            return self._given
        self.close()
        where = f"{approval.stage}/{approval.action}"
        if not sys.stdin.isatty():
            raise RehearsalError(
                f"{where} waits for an answer, and the input is no terminal; say --approve or "
                "--reject"
            )
        return click.confirm(f"{where} waits: approve?", default=None)

    def close(self) -> None:
        """Leave the live table."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _clock(self) -> str:
        return f"{time.monotonic() - self._started:7.1f}"

    def _print_changes(self, record: ExecutionRecord) -> None:
        for action in record.actions:
            key = (record.id, action.stage, action.name)
            if not action.status or self._lines.get(key) == action.status:
                continue
            self._lines[key] = action.status
            if action.status == "InProgress":
                continue
            place = f"{action.account} {action.region}"
            self._console.print(
                f"{self._clock()} {action.status:<9} {action.stage}/{action.name} "
                f"({place}, {action.seconds:.1f} s)"
            )


def _table(record: ExecutionRecord) -> Table:
    title = f"{record.pipeline}: execution {record.id[:8]}, {record.status}"
    table = Table(title=title, title_justify="left")
    for heading in ("Stage", "Action", "Account", "Region", "Status", "Seconds"):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "Seconds" else "left")
    for stage in record.stages:
        # What is over, or has not begun, is one line, so that the table fits on a screen.
        if stage.status in ("Succeeded", ""):
            table.add_row(stage.name, _count(stage.actions), "", "", *_outcome(stage.actions))
            continue
        for index, action in enumerate(stage.actions):
            table.add_row(
                stage.name if index == 0 else "",
                action.name,
                action.account,
                action.region,
                *_outcome([action]),
            )
    return table


def _count(actions: tuple[ActionRecord, ...]) -> str:
    return actions[0].name if len(actions) == 1 else f"{len(actions)} actions"


def _outcome(actions: list[ActionRecord] | tuple[ActionRecord, ...]) -> tuple[str, str]:
    status = actions[0].status
    seconds = max(action.seconds for action in actions)
    colour = _COLOURS.get(status)
    return (
        f"[{colour}]{status}[/]" if colour else status,
        f"{seconds:.1f}" if status else "",
    )

"""Shows the actions of a build stage while they run, and what came of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dpra_constructs.local_run.action_results import ActionResult, StageResult, Status
from dpra_constructs.local_run.reports import FailedTest, ReportSummary
from dpra_constructs.local_run.stage_run import ActionState

_STYLES = {
    Status.WAITING: "dim",
    Status.RUNNING: "cyan",
    Status.SUCCEEDED: "green",
    Status.FAILED: "bold red",
    Status.SKIPPED: "yellow",
    Status.NOT_RUN: "dim",
    Status.STOPPED: "bold red",
}
_LAST_LINES = 25
_SHOWN_TESTS = 10
_REFRESHES_PER_SECOND = 4


class BuildDisplay:
    """One line an action: on a terminal they are kept up to date, elsewhere printed as they come.

    Args:
        console: where to.
        names: the actions in their order.
    """

    def __init__(self, console: Console, names: Iterable[str]) -> None:
        self._console = console
        self._states = {name: ActionState(name=name, status=Status.WAITING) for name in names}
        self._width = max(map(len, self._states), default=0)
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> BuildDisplay:
        """Begin to show."""
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._table,
                console=self._console,
                refresh_per_second=_REFRESHES_PER_SECOND,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        if self._live:
            self._live.stop()

    def change(self, state: ActionState) -> None:
        """Show what changed; called from any thread."""
        with self._lock:
            before = self._states[state.name]
            self._states[state.name] = state
            if self._live is None and state.status is not before.status:
                self._console.print(self._line(state), soft_wrap=True)

    def _line(self, state: ActionState) -> Text:
        line = Text(f"{state.name:<{self._width}}  ")
        line.append(state.status.value, _STYLES[state.status])
        if state.result:
            if state.result.log or state.status is Status.SUCCEEDED:
                line.append(f" in {state.result.seconds:.1f} s")
            if state.result.reason and state.status is not Status.FAILED:
                line.append(f" ({_first_line(state.result.reason)})")
        return line

    def _table(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for state in list(self._states.values()):
            seconds = state.result.seconds if state.result else time.monotonic() - state.began
            shown = f"{seconds:.1f} s" if state.began else ""
            detail = state.phase if state.status is Status.RUNNING else ""
            if state.result and state.status in {Status.SKIPPED, Status.NOT_RUN}:
                detail = _first_line(state.result.reason)
            status = Text(state.status.value, _STYLES[state.status])
            table.add_row(state.name, status, Text(shown, justify="right"), detail)
        return table


def show_result(console: Console, result: StageResult) -> None:
    """Print reports, failures with the last lines of their logs, and one line about all."""
    for action in result.actions:
        for report in action.reports:
            console.print(_report_line(action.name, report), soft_wrap=True, markup=False)
            # Of a failing action they stand with its log.
            if action.status is not Status.FAILED:
                _show_failed_tests(console, report)
    for action in result.actions:
        if action.status in {Status.FAILED, Status.STOPPED}:
            _show_failure(console, action)
    counts = [
        f"{count} {status.value}"
        for status in Status
        if (count := sum(each.status is status for each in result.actions))
    ]
    console.print()
    console.print(
        Text.assemble(
            f"{result.pipeline}, stage {result.stage}: ",
            (result.status.value, _STYLES[result.status]),
            f" in {result.seconds:.1f} s ({', '.join(counts)})",
        ),
        soft_wrap=True,
    )
    for action in result.actions:
        if action.status is Status.SKIPPED:
            console.print(
                f"Not checked here: {action.name} ({action.reason})", soft_wrap=True, markup=False
            )


def _show_failure(console: Console, action: ActionResult) -> None:
    console.print()
    console.print(Text(f"{action.name} {action.status.value}", _STYLES[action.status]))
    lines = action.last_lines(_LAST_LINES)
    for line in lines:
        console.print(Text(f"  | {line}"), soft_wrap=True)
    for report in action.reports:
        _show_failed_tests(console, report, lines)
    if action.reason:
        console.print(Text(action.reason), soft_wrap=True)
    if lines:
        console.print(Text(f"The whole log: {action.log}"), soft_wrap=True)


def _report_line(name: str, report: ReportSummary) -> str:
    group = report.group.rpartition("/")[2]
    if not report.file_count:
        return f"{name}: report {group} is missing: no file matches"
    if not report.is_read:
        return f"{name}: report {group}: {report.file_count} file(s), {report.file_format}"
    counts = [f"{report.tests} tests"]
    counts += [f"{report.failures} failures"] if report.failures else []
    counts += [f"{report.errors} errors"] if report.errors else []
    counts += [f"{report.skipped} skipped"] if report.skipped else []
    return f"{name}: report {group}: {', '.join(counts)}"


def _show_failed_tests(
    console: Console, report: ReportSummary, printed: Collection[str] = ()
) -> None:
    """Print the tests that failed; a finding that was printed as it is, is not repeated."""
    failed = [test for test in report.failed if _first_line(test.message) not in printed]
    lines = [f"{_name(test)}: {_first_line(test.message)}" for test in failed[:_SHOWN_TESTS]]
    if len(failed) > _SHOWN_TESTS:
        lines.append(f"and {len(failed) - _SHOWN_TESTS} more")
    lines += [f"cannot be read: {problem}" for problem in report.unreadable]
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)


def _name(test: FailedTest) -> str:
    # Some tools write the place into the name, or say it again.
    known = not test.place or test.place in f"{test.name} {_first_line(test.message)}"
    return test.name if known else f"{test.name} ({test.place})"


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")

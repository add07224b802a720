"""The delivery metrics as a picture (SVG) or a page (HTML) without scripts, to be kept or sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from dpra_constructs.delivery_metrics.runtime.calculations import (
    FAILED,
    ROLLBACK,
    SUCCEEDED,
    Execution,
    Metrics,
    Point,
    metrics,
    points,
)
from dpra_constructs.delivery_metrics.shown_values import shown_values

_WIDTH = 960
_MARGIN = 24
_TILE_TOP, _TILE_HEIGHT = 64, 62
_PLOT_TOP, _PLOT_HEIGHT, _PLOT_GAP = 150, 190, 24
_AXIS_LEFT, _AXIS_TOP, _AXIS_BOTTOM = 58, 30, 26
_STRIP_TOP = _PLOT_TOP + 2 * (_PLOT_HEIGHT + _PLOT_GAP)
_HEIGHT = _STRIP_TOP + 92
_MOST_POINTS = 400
_MOST_ROWS = 50
_DAY, _HOUR, _MINUTE = 86_400.0, 3_600.0, 60.0
# Told apart without colour, too: each has a height of its own in the strip.
_OUTCOMES = {
    "success": ("#1a7f37", 26),
    "failure": ("#cf222e", 34),
    "rollback": ("#bc4c00", 42),
    "neither": ("#8c959f", 12),
}
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 18px; font-weight: 600 } .value { font-size: 17px; font-weight: 600 }
.quiet { fill: #57606a } .end { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #d8dee4 } .line { fill: none; stroke: #0969da; stroke-width: 2 }
.dot { fill: #0969da }
"""
_PAGE_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
svg { height: auto; max-width: 100% } table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left }
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a report shows.

    Args:
        pipeline: its name.
        executions: its history.
        since: the beginning of the window; without it, the first start.
        until: its end; without it, the last end.
        window: how far each point of a plot looks back.
        has_production: whether the pipeline deploys to production.
    """

    pipeline: str
    executions: Sequence[Execution]
    since: datetime | None = None
    until: datetime | None = None
    window: timedelta = timedelta(days=30)
    has_production: bool = True

    @property
    def metrics(self) -> Metrics:
        """The metrics of the whole window."""
        return metrics(
            self.executions,
            since=self.since,
            until=self.until,
            has_production=self.has_production,
        )

    @property
    def inside(self) -> list[Execution]:
        """The executions of the window, in the order in which they began."""
        return sorted(
            (
                each
                for each in self.executions
                if (self.since is None or each.started >= self.since)
                and (self.until is None or each.ended <= self.until)
            ),
            key=lambda each: (each.started, each.id),
        )

    @property
    def begin(self) -> datetime | None:
        """Where the window begins; None where there is nothing in it."""
        return self.since or min((each.started for each in self.inside), default=None)

    @property
    def end(self) -> datetime | None:
        """Where the window ends; None where there is nothing in it."""
        return self.until or max((each.ended for each in self.inside), default=None)

    def points(self) -> list[Point]:
        """The points of the plots."""
        return [
            point
            for point in points(
                self.executions,
                window=self.window,
                since=self.since,
                at_most=_MOST_POINTS,
                has_production=self.has_production,
            )
            if self.until is None or point.execution.ended <= self.until
        ]

    def heading(self) -> str:
        """Which executions these are."""
        count = len(self.inside)
        executions = f"{count} execution{'' if count == 1 else 's'}"
        if not (self.begin and self.end):
            return f"{self.pipeline}: {executions}"
        days = (self.end - self.begin).total_seconds() / _DAY
        return (
            f"{self.pipeline}: {self.begin:%Y-%m-%d} to {self.end:%Y-%m-%d}, {days:.1f} days, "
            f"{executions}"
        )


def svg(report: Report) -> str:
    """Return the picture: the values, a plot of each over time, and the executions."""
    return "\n".join(_picture(report)) + "\n"


def html(report: Report) -> str:
    """Return the page: the picture, and the latest executions as a table."""
    return "\n".join(_page(report)) + "\n"


def _picture(report: Report) -> Iterator[str]:
    title = escape(f"Delivery metrics of {report.heading()}")
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{title}">'
    )
    yield f"<style>{_STYLE}</style>"
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
    yield _text(_MARGIN, 34, f"Delivery metrics of {report.pipeline}", "title")
    yield _text(_WIDTH - _MARGIN, 34, report.heading().partition(": ")[2], "quiet end")
    yield from _tiles(shown_values(report.metrics))
    made = report.points()
    begin, end = report.begin, report.end
    days = report.window.days
    plots: Sequence[tuple[str, Callable[[Metrics], float | None], bool]] = (
        ("Lead time", lambda each: each.lead_time_seconds, True),
        ("Deploy frequency (a day)", lambda each: each.deploy_frequency_per_day, False),
        ("MTBF", lambda each: each.mtbf_seconds, True),
        ("MTTR", lambda each: each.mttr_seconds, True),
    )
    width = (_WIDTH - 2 * _MARGIN - _PLOT_GAP) / 2
    for index, (name, value_of, is_time) in enumerate(plots):
        left = _MARGIN + (index % 2) * (width + _PLOT_GAP)
        top = _PLOT_TOP + (index // 2) * (_PLOT_HEIGHT + _PLOT_GAP)
        values = [
            (point.execution.ended, value)
            for point in made
            if (value := value_of(point.metrics)) is not None
        ]
        heading = f"{name}, over the {days} days before"
        yield from _plot(heading, values, begin, end, is_time, left, top, width)
    yield from _strip(report.inside, begin, end)
    yield "</svg>"


def _tiles(values: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = (_WIDTH - 2 * _MARGIN) / len(values)
    for index, (name, value) in enumerate(values):
        left = _MARGIN + index * width
        yield _text(left, _TILE_TOP + 18, name, "quiet")
        yield _text(left, _TILE_TOP + 42, value, "value")
    bottom = _TILE_TOP + _TILE_HEIGHT
    yield _line(_MARGIN, bottom, _WIDTH - _MARGIN, bottom)


def _plot(
    heading: str,
    values: Sequence[tuple[datetime, float]],
    begin: datetime | None,
    end: datetime | None,
    is_time: bool,
    left: float,
    top: float,
    width: float,
) -> Iterator[str]:
    yield _text(left, top + 14, heading)
    if not values or begin is None or end is None:
        yield _text(left + width / 2, top + _PLOT_HEIGHT / 2, "no value", "quiet middle")
        return
    size, unit = _unit(max(value for _, value in values)) if is_time else (1.0, "")
    highest = max(value for _, value in values) / size
    step = _step(highest)
    top_value = max(step, math.ceil(highest / step - 1e-9) * step)
    x0, x1 = left + _AXIS_LEFT, left + width
    y0, y1 = top + _PLOT_HEIGHT - _AXIS_BOTTOM, top + _AXIS_TOP

    def x(time: datetime) -> float:
        return x0 + (x1 - x0) * _share(time, begin, end)

    def y(value: float) -> float:
        return y0 - (y0 - y1) * value / top_value

    for index in range(round(top_value / step) + 1):
        value = index * step
        yield _line(x0, y(value), x1, y(value))
        yield _text(x0 - 6, y(value) + 4, f"{value:g}{unit}", "quiet end")
    yield _text(x0, y0 + 18, f"{begin:%Y-%m-%d}", "quiet")
    yield _text(x1, y0 + 18, f"{end:%Y-%m-%d}", "quiet end")
    spots = [(x(time), y(value / size)) for time, value in values]
    # A value holds until the next execution ends.
    path = f"M{spots[0][0]:.1f} {spots[0][1]:.1f}" + "".join(
        f"H{across:.1f}V{down:.1f}" for across, down in spots[1:]
    )
    yield f'<path class="line" d="{path}"/>'
    across, down = spots[-1]
    yield f'<circle class="dot" cx="{across:.1f}" cy="{down:.1f}" r="3.5"/>'


def _strip(
    inside: Sequence[Execution], begin: datetime | None, end: datetime | None
) -> Iterator[str]:
    yield _text(_MARGIN, _STRIP_TOP + 14, "Executions")
    left = _WIDTH - _MARGIN - 4 * 100
    for index, (name, (colour, _)) in enumerate(_OUTCOMES.items()):
        key = left + index * 100
        yield f'<rect x="{key}" y="{_STRIP_TOP + 4}" width="10" height="10" fill="{colour}"/>'
        yield _text(key + 16, _STRIP_TOP + 14, name, "quiet")
    bottom = _STRIP_TOP + 72
    yield _line(_MARGIN, bottom, _WIDTH - _MARGIN, bottom)
    if begin is None or end is None:
        return
    for each in inside:
        colour, height = _OUTCOMES[outcome(each)]
        across = _MARGIN + (_WIDTH - 2 * _MARGIN - 3) * _share(each.started, begin, end)
        yield (
            f'<rect x="{across:.1f}" y="{bottom - height}" width="3" height="{height}" '
            f'fill="{colour}"/>'
        )


def outcome(execution: Execution) -> str:
    """Return what an execution counts as: success, failure, rollback or neither."""
    if execution.type == ROLLBACK:
        return "rollback"
    if execution.status == FAILED:
        return "failure"
    return "success" if execution.status == SUCCEEDED else "neither"


def _page(report: Report) -> Iterator[str]:
    title = escape(f"Delivery metrics of {report.pipeline}")
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{_PAGE_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield from _picture(report)
    yield "<h2>Latest executions</h2>"
    heading = ("Started", "Ended", "Execution", "Outcome", "Revisions")
    yield "<table><tr>" + "".join(f"<th>{each}</th>" for each in heading) + "</tr>"
    for each in list(reversed(report.inside))[:_MOST_ROWS]:
        cells: Iterable[str] = (
            f"{each.started:%Y-%m-%d %H:%M}",
            f"{each.ended:%Y-%m-%d %H:%M}",
            each.id,
            f"{each.status}, {outcome(each)}",
            ", ".join(commit.id[:12] for commit in each.revisions),
        )
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table></body></html>"


def _share(time: datetime, begin: datetime, end: datetime) -> float:
    whole = (end - begin).total_seconds()
    share = (time - begin).total_seconds() / whole if whole > 0 else 0.0
    return min(1.0, max(0.0, share))


def _unit(seconds: float) -> tuple[float, str]:
    for size, unit in ((_DAY, " d"), (_HOUR, " h"), (_MINUTE, " min")):
        if seconds >= 2 * size:
            return size, unit
    return 1.0, " s"


def _step(highest: float) -> float:
    """Return a round distance of lines that gives two to five of them."""
    if highest <= 0:
        return 1.0
    magnitude = float(10 ** math.floor(math.log10(highest)))
    for factor in (0.2, 0.5, 1.0, 2.0, 5.0):
        if highest / (factor * magnitude) <= 5:
            return factor * magnitude
    return 10 * magnitude


def _text(x: float, y: float, text: str, style: str = "") -> str:
    css = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{css}>{escape(text)}</text>'


def _line(x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<line class="grid" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'

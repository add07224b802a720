"""The result as one HTML page without scripts, to be kept or sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from dpra_constructs.rehearsal.rehearsal import NOT_CHECKED, Rehearsal

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums }
.Succeeded, .SUCCEEDED { color: #17692b } .Failed, .FAILED { color: #a4161a }
pre { background: #f5f5f5; overflow-x: auto; padding: .8rem }
@media (prefers-color-scheme: dark) {
  body { background: #161616; color: #ddd } th, td { border-color: #444 } pre { background: #222 }
  .Succeeded, .SUCCEEDED { color: #6bd48a } .Failed, .FAILED { color: #ff8a8a }
}
"""


def html_report(rehearsal: Rehearsal) -> str:
    """Return the page."""
    return "\n".join(_page(rehearsal)) + "\n"


def _page(rehearsal: Rehearsal) -> Iterator[str]:
    source = rehearsal.source
    title = escape(f"Rehearsal of {rehearsal.pipeline.name}")
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f'<h1>{title}: <span class="{rehearsal.status}">{rehearsal.status}</span></h1>'
    commit = escape(rehearsal.name_of(source.commit))
    yield f"<p>Commit <code>{commit}</code>: {escape(source.subject)}</p>"
    yield from (f"<p>{escape(note)}</p>" for note in source.notes)
    if rehearsal.problems:
        yield f"<pre>{escape(chr(10).join(rehearsal.problems))}</pre>"
    for record in rehearsal.executions:
        kind = "rollback" if record.type == "ROLLBACK" else "execution"
        yield f"<h2>{kind} {escape(record.id)}: {_status(record.status)}</h2>"
        rows = [
            [
                escape(action.stage),
                escape(action.name),
                escape(action.account),
                escape(action.region),
                _status(action.status or "not reached"),
                f"{action.seconds:.1f}" if action.status else "",
            ]
            for action in record.actions
        ]
        heading = ["Stage", "Action", "Account", "Region", "Status", "Seconds"]
        yield from _table(heading, rows)
        for action in record.failed:
            yield f"<h3>{escape(action.stage)}/{escape(action.name)}</h3>"
            yield f"<p>{escape(action.error)}</p>"
            yield f"<pre>{escape(chr(10).join(action.last_lines()))}</pre>"
    yield "<h2>Approvals</h2><ul>"
    for answered in rehearsal.answered:
        verb = "approved" if answered.approved else "rejected"
        yield f"<li>{escape(answered.approval.stage)}/{escape(answered.approval.action)}: {verb}"
    yield "</ul><h2>What runs where</h2>"
    rows = [
        [
            escape(version.stage),
            escape(version.place.account),
            escape(version.place.region),
            escape(version.stack),
            escape(version.status),
            f"<code>{escape(rehearsal.name_of(version.commit)[:12])}</code>",
            escape(", ".join(f"{name} {code}" for name, code in version.answers.items())),
        ]
        for version in rehearsal.versions
    ]
    heading = ["Stage", "Account", "Region", "Stack", "Status", "Commit", "HTTP"]
    yield from _table(heading, rows)
    yield "<h2>Not checked, as the emulator does not do it</h2><ul>"
    yield from (f"<li>{escape(line)}" for line in NOT_CHECKED)
    yield "</ul></body></html>"


def _status(status: str) -> str:
    return f'<span class="{escape(status)}">{escape(status)}</span>'


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{each}</th>" for each in heading) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{each}</td>" for each in row) + "</tr>"
    yield "</table>"

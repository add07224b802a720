"""How the changes of a release are shown: a page, its data, and a text for the approval's mail."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .change_summary_stacks import Change, StackChanges

#: The message of an approval takes 1,000 characters, and the team's own text stands there too.
LONGEST_TEXT = 600
# Beyond it the page says how many more there are; the data has them all.
_MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class Release:
    """Which release it is."""

    pipeline: str
    execution: str
    commit: str
    authors: Sequence[str]
    link: str


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many resources change, over all regions."""

    added: int = 0
    changed: int = 0
    replaced: int = 0
    removed: int = 0
    permissions: int = 0
    warnings: int = 0

    @classmethod
    def of(cls, stacks: Iterable[StackChanges]) -> "Counts":
        """Count."""
        stacks = tuple(stacks)
        changes = [change for stack in stacks for change in stack.changes]
        replaced = sum(change.replaces for change in changes)
        removed = sum(change.action == "Remove" for change in changes)
        added = sum(change.action in ("Add", "Import") for change in changes)
        return cls(
            added=added,
            changed=len(changes) - added - replaced - removed,
            replaced=replaced,
            removed=removed,
            permissions=sum(len(stack.permissions) for stack in stacks),
            warnings=sum(len(stack.warnings) for stack in stacks),
        )

    def __str__(self) -> str:
        return (
            f"{self.added} added, {self.changed} changed, {self.replaced} replaced, "
            f"{self.removed} deleted"
        )


def message(release: Release, stacks: Sequence[StackChanges]) -> str:
    """Return the text for the approval: at most `LONGEST_TEXT` characters, warnings first."""
    counts = Counts.of(stacks)
    regions = len({(stack.account, stack.region) for stack in stacks})
    lines = [
        f"Commit {release.commit or 'unknown'} by {', '.join(release.authors) or 'unknown'}"[:200],
        f"Execution {release.execution}",
        f"In {regions} region{'s' if regions != 1 else ''}: {counts}"
        + (f"; {counts.permissions} broader permissions" if counts.permissions else ""),
    ]
    text = "\n".join(lines)
    # The same warning of several regions stands once.
    for warning in dict.fromkeys(each for stack in stacks for each in stack.warnings):
        line = f"\nWARNING {warning}"
        if len(text) + len(line) > LONGEST_TEXT - 30:
            text += "\nMore warnings: see the summary"
            break
        text += line
    return text[:LONGEST_TEXT]


def data(release: Release, stacks: Sequence[StackChanges]) -> str:
    """Return the whole as JSON."""
    counts = Counts.of(stacks)
    whole: dict[str, Any] = {
        "pipeline": release.pipeline,
        "execution": release.execution,
        "commit": release.commit,
        "authors": list(release.authors),
        "link": release.link,
        "counts": {name: getattr(counts, name) for name in counts.__dataclass_fields__},
        "stacks": [stack.shown() for stack in stacks],
    }
    return json.dumps(whole, indent=2) + "\n"


def page(release: Release, stacks: Sequence[StackChanges]) -> str:
    """Return the whole as Markdown."""
    return "\n".join(_page(release, stacks)) + "\n"


def _page(release: Release, stacks: Sequence[StackChanges]) -> Iterator[str]:
    counts = Counts.of(stacks)
    yield f"# What this release of {_plain(release.pipeline)} changes in production"
    yield ""
    yield f"- Commit: {_plain(release.commit or 'unknown')}"
    yield f"- Authors: {_plain(', '.join(release.authors) or 'unknown')}"
    yield f"- Execution: [{release.execution}]({release.link})"
    yield f"- Resources: {counts}"
    yield f"- Broader permissions: {counts.permissions}"
    for title, lines in (
        ("Warnings", [(stack, line) for stack in stacks for line in stack.warnings]),
        ("Broader permissions", [(stack, line) for stack in stacks for line in stack.permissions]),
    ):
        if lines:
            yield from ("", f"## {title}", "")
            # What is the same in several regions stands once.
            places: dict[str, list[str]] = {}
            for stack, line in lines:
                places.setdefault(line, []).append(stack.region)
            for line, regions in list(places.items())[:_MOST_ROWS]:
                yield f"- {_plain(line)} ({', '.join(dict.fromkeys(regions))})"
            if len(places) > _MOST_ROWS:
                yield f"- and {len(places) - _MOST_ROWS} more: see changes.json"
    for stack in stacks:
        yield from ("", f"## {_plain(stack.stack)} in {stack.account}/{stack.region}", "")
        if not stack.changes:
            yield f"No changes, by {stack.by}."
            continue
        yield from (f"By {stack.by}.", "")
        yield "| | Resource | Type | What changes |"
        yield "| --- | --- | --- | --- |"
        for change in stack.changes[:_MOST_ROWS]:
            yield (
                f"| {_verb(change)} | {_plain(change.resource)} | {_plain(change.type)} "
                f"| {_plain(', '.join(change.properties))} |"
            )
        if len(stack.changes) > _MOST_ROWS:
            yield ""
            yield f"And {len(stack.changes) - _MOST_ROWS} more: see changes.json."


def _verb(change: Change) -> str:
    match change.action, change.replacement:
        case "Modify", "True":
            return "**replace**"
        case "Modify", "Conditional" | "Unknown":
            return "**replace?**"
        case "Remove", _:
            return "**delete**"
        case "Modify", _:
            return "change"
        case action, _:
            return action.lower()


def _plain(text: str) -> str:
    """Return text that is no Markdown: names come from a template."""
    return "".join(f"\\{each}" if each in "\\`*_[]<>|#" else each for each in text).replace(
        "\n", " "
    )

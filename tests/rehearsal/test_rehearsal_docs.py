"""docs/rehearsal.md says what the code does."""

from pathlib import Path

from dpra_constructs.rehearsal import NOT_CHECKED
from dpra_constructs.rehearsal.faults import FAULTS

DOCS = (Path(__file__).parents[2] / "docs/rehearsal.md").read_text("utf-8")


def section(heading: str) -> list[str]:
    text = DOCS.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return text.splitlines()


def test_the_docs_list_what_is_not_checked() -> None:
    listed = [line[2:] for line in section("What the emulator does not check") if line[:2] == "- "]
    assert tuple(listed) == NOT_CHECKED


def test_the_docs_list_the_faults() -> None:
    rows = [line for line in section("Faults") if line.startswith("| `")]
    assert rows == [f"| `{each.name}` | {each.description} |" for each in FAULTS.values()]

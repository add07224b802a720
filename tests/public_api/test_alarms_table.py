"""The tables of the alarms are what the code says."""

from dpra_constructs import monitoring
from scripts.alarms_table import DOCUMENT, definitions, document


def test_the_committed_tables_are_what_the_script_writes() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert text == document(text), "run: python scripts/alarms_table.py"


def test_every_function_that_makes_alarms_has_a_table() -> None:
    makers = {name for name in monitoring.__all__ if name.endswith("_alarms")}
    assert set(definitions()) == makers | {"SyntheticTest"}

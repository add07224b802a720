"""Runs the examples in docstrings, and turns the CDK's validation off while testing."""

import os

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.doctest import DocTestParser

# It takes half of a synth's time, and is read when the CDK starts. The examples' apps ask for it
# by `tests.conftest.validate_templates`.
os.environ.setdefault("CDK_VALIDATION", "false")

pytest_collect_file = Sybil(
    parsers=[DocTestParser()],
    patterns=["*.py"],
    document_types={".py": PythonDocStringDocument},
    path="dpra_constructs",
).pytest()

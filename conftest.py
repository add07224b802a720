"""Runs the examples in docstrings, and says how Hypothesis and the CDK test."""

import os

from hypothesis import settings
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.doctest import DocTestParser

# It takes half of a synth's time, and is read when the CDK starts. The examples' apps ask for it
# by `tests.conftest.validate_templates`.
os.environ.setdefault("CDK_VALIDATION", "false")

# How long an example takes says more about the machine than about the code; `.ci/run` asks for the
# same examples each time, so that a change is judged by what it changes.
settings.register_profile(
    "tests", deadline=None, derandomize="HYPOTHESIS_DERANDOMIZE" in os.environ
)
settings.load_profile("tests")

pytest_collect_file = Sybil(
    parsers=[DocTestParser()],
    patterns=["*.py"],
    document_types={".py": PythonDocStringDocument},
    path="dpra_constructs",
).pytest()

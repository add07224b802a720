"""The tables in the documents are what the code says, and each requirement is met."""

import re
from pathlib import Path

import pytest

from dpra_constructs import artifact_integrity, build_actions, source
from dpra_constructs.requirements import Requirement
from scripts.build_actions_table import (
    DOCUMENTED,
    REAL,
    STAGES,
    STAND_INS,
    TOOLS,
    document,
    example,
    installed,
    met,
    tried,
)
from tests.conftest import ROOT

ACTIONS = {type(each).__name__: each for each in example()}
MET = met(list(ACTIONS.values()))
REAL_TESTS = "\n".join(
    path.read_text()
    # The rehearsal runs the synth action of its app.
    for folder, pattern in (("build_actions", "test_*real*.py"), ("rehearsal", "small_app.py"))
    for path in sorted((ROOT / "tests" / folder).glob(pattern))
)
# https://aws-samples.github.io/aws-deployment-pipeline-reference-architecture/application-pipeline/
NAMED_BY_THE_DPRA = {
    *("husky", "pre-commit"),
    *("AWS CDK", "AWS CloudFormation", "Terraform"),
    *("AWS CodeCommit", "GitHub", "GitLab", "Bitbucket"),
    *("Maven", "tsc", "JUnit", "Jest", "pytest"),
    *("Amazon CodeGuru", "SonarQube", "black", "ESLint"),
    *("GitGuardian", "Gitleaks", "Checkmarx"),
    *("AWS CodeArtifact", "Amazon ECR", "Nexus", "Artifactory", "AWS Signer"),
    *("Dependabot", "Snyk", "Black Duck", "SPDX", "CycloneDX"),
}


def test_the_committed_tables_are_what_the_script_writes() -> None:
    text = (ROOT / "docs" / "build-actions.md").read_text("utf-8")
    assert text == document(text), "run: python scripts/build_actions_table.py"


def test_every_requirement_of_the_first_stages_is_in_the_table() -> None:
    assert set(MET) == {each for each in Requirement if each.stage in STAGES}


@pytest.mark.parametrize("requirement", MET, ids=lambda each: each.value)
def test_a_requirement_has_two_that_meet_it_or_a_reason(requirement: Requirement) -> None:
    row = MET[requirement]
    assert len(set(row.by)) == len(row.by)
    assert len(row.by) >= 2 or len(row.reason) > 40


@pytest.mark.parametrize("requirement", MET, ids=lambda each: each.value)
def test_what_meets_a_requirement_exists(requirement: Requirement) -> None:
    for by in MET[requirement].by:
        assert exists(by), by


def exists(words: str) -> bool:
    """Say whether each name in backquotes is a command, a file or something that is exported."""
    names = re.findall(r"`([^`]+)`", words)
    for name in names:
        if name.startswith("dpra "):
            module = name.removeprefix("dpra ").replace("-", "_")
            if not (ROOT / "dpra_constructs" / "cli" / f"{module}_command.py").is_file():
                return False
        elif "/" in name:
            if not (ROOT / name).exists():
                return False
        else:
            import dpra_constructs

            first = re.split(r"[(.]", name)[0]
            modules = (artifact_integrity, build_actions, source, dpra_constructs)
            if not any(hasattr(each, first) for each in modules):
                return False
    return bool(names)


def test_something_that_does_not_exist_is_noticed() -> None:
    for words in ("`dpra fly`", "`examples/none.py`", "`Nothing(a=)`", "no name"):
        assert not exists(words)


def test_every_tool_that_the_dpra_names_is_somewhere() -> None:
    assert set(TOOLS) == NAMED_BY_THE_DPRA
    nowhere = {tool for tool, where in TOOLS.items() if not exists(where)}
    assert nowhere == {"Amazon CodeGuru"}
    assert "closed" in TOOLS["Amazon CodeGuru"]


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_what_is_said_to_be_run_is_run_by_a_test(name: str) -> None:
    said = tried(ACTIONS[name])
    assert (said == REAL) == (name not in STAND_INS and said != DOCUMENTED)
    if said == REAL or name in STAND_INS.keys() - {"ArtifactoryPublish", "NexusPublish"}:
        assert re.search(rf"\b{name}\(", REAL_TESTS)


@pytest.mark.parametrize("name", sorted(STAND_INS))
def test_an_action_that_was_not_wholly_run_says_so_itself(name: str) -> None:
    words = " ".join((type(ACTIONS[name]).__doc__ or "").split())
    assert re.search(r"was not run|stand-in|not run against|server of the tests", words)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_tool_is_installed_in_a_version_that_is_said(name: str) -> None:
    how, version = installed(ACTIONS[name])
    assert re.search(r"\d+\.\d+\.\d+|^the (team|image|service)'s$", version)
    pinned = how.startswith(("lock", "download", "Go"))
    assert pinned <= bool(re.search(r"\d|team", version))


def test_bills_of_materials_are_of_both_formats() -> None:
    files = {
        name: " ".join(ACTIONS[name].to_build_action().commands)
        for name in ("Syft", "TrivySbom", "CycloneDxPython", "CycloneDxNpm")
    }
    assert all("cyclonedx" in text for text in files.values())
    assert {name for name, text in files.items() if "spdx-json" in text} == {"Syft", "TrivySbom"}
    outputs = [each for name in files for each in ACTIONS[name].to_build_action().outputs]
    assert len(set(outputs)) == 4


def test_the_readme_names_the_document() -> None:
    assert "(docs/build-actions.md)" in (ROOT / "README.md").read_text()
    assert Path(ROOT / "docs" / "build-actions.md").is_file()

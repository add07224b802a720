"""Writes the tables of `docs/build-actions.md` from the code.

Run as `python scripts/build_actions_table.py`. What is installed how, reports and thresholds are
read from the actions of `examples/all_tools`.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from dpra_constructs.build_actions import BuildAction, InspectorCodeSecurity, TypedAction
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.packed_file import unpacked
from dpra_constructs.build_actions.requirement_actions import REQUIREMENT_ACTIONS
from dpra_constructs.requirements import Requirement

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "build-actions.md"
LOCKS = ROOT / "dpra_constructs" / "build_actions" / "locks"
STAGES = ("local", "source", "build")

_LAYOUT = (
    "One check looks at all kinds of source in one pass, first in the build and by `dpra build`; "
    "versions and access are the repository's."
)


class Met(NamedTuple):
    """What meets a requirement; why, where that is one thing or nothing."""

    by: tuple[str, ...]
    reason: str = ""


# What typed actions do not meet, or not they alone.
OTHERS = {
    Requirement.LOCAL_PRE_COMMIT: Met(
        ("`dpra pre-commit`", "`dpra build`", "husky, by `examples/all_tools/.husky/pre-commit`")
    ),
    Requirement.SOURCE_TRUNK: Met(
        (
            *("`GitHub`", "`GitHubEnterpriseServer`", "`GitLab`", "`GitLabSelfManaged`"),
            *("`Bitbucket`", "`CodeCommit`", "`S3Source`"),
        )
    ),
    Requirement.SOURCE_APPLICATION: Met(("`SourceLayout(application=)`",), _LAYOUT),
    Requirement.SOURCE_TESTS: Met(("`SourceLayout(tests=)`",), _LAYOUT),
    Requirement.SOURCE_INFRASTRUCTURE: Met(("`SourceLayout(infrastructure=)`",), _LAYOUT),
    Requirement.SOURCE_STATIC_ASSETS: Met(("`SourceLayout(static_assets=)`",), _LAYOUT),
    Requirement.SOURCE_DEPENDENCIES: Met(
        ("`SourceLayout(dependency_manifests=)`", "Dependabot, by its file in `examples/all_tools`")
    ),
    Requirement.SOURCE_CONFIGURATION: Met(
        ("`SourceLayout(static_configuration=)`", "`DeploymentTarget.configuration`")
    ),
    Requirement.SOURCE_DATABASE: Met(("`SourceLayout(database=)`",), _LAYOUT),
    Requirement.BUILD_SIGNATURE: Met(
        ("`ArtifactSigning`", "`FunctionSigning`"),
        "The pipeline seals what the build made, by default; AWS Signer signs the code of "
        "functions where a team asks for it.",
    ),
    Requirement.BUILD_TIME: Met(
        ("`BuildStage(time_budget=)`",),
        "One budget is for all actions: their timeouts are what is left of it, and an alarm "
        "tells when the whole stage took longer.",
    ),
}
# Tools that the DPRA names for these stages, and where each is.
TOOLS = {
    "husky": "`examples/all_tools/.husky/pre-commit`",
    "pre-commit": "`dpra pre-commit`",
    "AWS CDK": "`CdkSynth`",
    "AWS CloudFormation": "what `CdkSynth` makes, and the pipeline deploys",
    "Terraform": "deploys as in `docs/other-deployers.md`; in the build a `BuildAction` in "
    "`examples/all_tools/tools.py`, not run",
    "AWS CodeCommit": "`CodeCommit`",
    "GitHub": "`GitHub`, `GitHubEnterpriseServer`",
    "GitLab": "`GitLab`, `GitLabSelfManaged`",
    "Bitbucket": "`Bitbucket`",
    "Maven": "`Maven`",
    "tsc": "`Npm(type_check=True)`",
    "JUnit": "`JUnit`",
    "Jest": "`Jest`",
    "pytest": "`Pytest`",
    "Amazon CodeGuru": "closed to new users, so not built",
    "SonarQube": "`SonarQube`",
    "black": "`Black`",
    "ESLint": "`ESLint`",
    "GitGuardian": "`GitGuardian`",
    "Gitleaks": "`Gitleaks`",
    "Checkmarx": "`CheckmarxOne`",
    "AWS CodeArtifact": "`CodeArtifactPublish`",
    "Amazon ECR": "`EcrPush`",
    "Nexus": "`NexusPublish`",
    "Artifactory": "`ArtifactoryPublish`",
    "AWS Signer": "`FunctionSigning`",
    "Dependabot": "`examples/all_tools/.github/dependabot.yml`",
    "Snyk": "`Snyk`",
    "Black Duck": "`BlackDuck`",
    "SPDX": '`Syft(formats=["spdx"])`, `TrivySbom(formats=["spdx"])`',
    "CycloneDX": "`CycloneDxPython`, `CycloneDxNpm`, `Syft`, `TrivySbom`",
}
_THRESHOLDS = (
    *("fail_on", "severity", "confidence", "audit_level", "severity_threshold", "threshold"),
    *("fail_on_cvss", "max_warnings", "minimum_coverage_percent", "scan", "strict"),
    *("critical", "high", "medium", "low"),
)
# Where nothing is to choose.
_WITHOUT_OPTION = {
    **dict.fromkeys(("Black", "Ruff", "DetectSecrets", "Gitleaks", "GitGuardian"), "any finding"),
    "SonarQube": "the server's quality gate",
}
# What was run, where that is less than the tool with all that it asks.
STAND_INS = {
    "ArtifactoryPublish": "its requests, against a server of the tests",
    "GitGuardian": "the tool, against a service of the tests that refuses its key",
    "NexusPublish": "its requests, against a server of the tests",
    "NpmAudit": "the tool, against a registry of the tests",
    "PipAudit": "the tool, against an OSV of the tests",
    "Snyk": "no: its options against the tool's own help",
    "SonarQube": "the tool's options, without a server",
}
REAL, DOCUMENTED = "run for real", "no: checked against its documentation"


def example() -> list[Any]:
    """Return every typed action, as the example has them."""
    path = ROOT / "examples" / "all_tools" / "tools.py"
    spec = importlib.util.spec_from_file_location("all_tools", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [each for each in (*module.ACTIONS, module.SYNTH) if not isinstance(each, BuildAction)]


def met(actions: Sequence[Any]) -> dict[Requirement, Met]:
    """Return what meets each requirement of the stages."""
    package = {
        f"`{type(each).__name__}`" for each in actions if Requirement.BUILD_PACKAGE in _meets(each)
    }
    table: dict[Requirement, Met] = {}
    for each in Requirement:
        if each.stage not in STAGES:
            continue
        if each in OTHERS:
            table[each] = OTHERS[each]
        elif each is Requirement.BUILD_PACKAGE:
            table[each] = Met(tuple(sorted(package)))
        else:
            table[each] = Met(tuple(f"`{name}`" for name in REQUIREMENT_ACTIONS[each]))
    return table


def _meets(action: Any) -> Sequence[Requirement]:
    if isinstance(action, TypedAction):
        return action.to_build_action().meets
    meets: Sequence[Requirement] = action.meets
    return meets


def installed(action: Any) -> tuple[str, str]:
    """Return how an action's tool is installed, and in which version."""
    if isinstance(action, InspectorCodeSecurity):
        return "part of CodePipeline", "the service's"
    text = "\n".join(map(unpacked, action.to_build_action().install))
    if isinstance(action, DownloadedTool):
        return "download, SHA-256", action.VERSION or "the team's"
    if type(action).__name__ == "EcrPush":
        return "image, and Trivy by download, SHA-256", f"Trivy {action.scan.VERSION}"
    if found := re.search(r'--prefix "\$\{DPRA_TOOLS:-\$HOME/\.dpra\}/([\w-]+)"', text):
        return "lock of this library", _npm_version(found[1])
    if "/dev/stdin" in text or '--requirement "$lock"' in text:
        return "lock of this library", _pip_version(text)
    if "--requirement" in text:
        return "lock of this library or the team's", _pip_version(_lock("build"))
    if "npm ci" in text:
        return "the team's package-lock.json", "the team's"
    if tools := re.findall(r"go install \S+/([\w-]+)@v([\d.]+)", text):
        versions = ", ".join(f"{name} {version}" for name, version in tools)
        return "Go's checksum database", versions
    return "the build image", "the image's"


def _lock(name: str) -> str:
    return (LOCKS / f"{name}.txt").read_text()


def _pip_version(lock: str) -> str:
    for tool in sorted(path.stem for path in LOCKS.glob("*.txt")):
        if (found := re.search(rf"(?m)^{tool}==(\S+)", lock)) and _lock(tool) in lock:
            return f"{tool} {found[1]}"
    raise LookupError(lock[:80])


def _npm_version(name: str) -> str:
    packages = json.loads((LOCKS / f"{name}.json").read_text())["packages"]
    [package] = packages[""]["dependencies"]
    return f"{package} {packages[f'node_modules/{package}']['version']}"


def tried(action: Any) -> str:
    """Return how the tests know that an action works."""
    name = type(action).__name__
    words = " ".join((type(action).__doc__ or "").split())
    if re.search(r"Checked against [^.]* not run", words):
        return DOCUMENTED
    return STAND_INS.get(name, REAL)


def _row(action: Any) -> tuple[str, ...]:
    how, version = installed(action)
    options = [f"`{each.name}`" for each in fields(action) if each.name in _THRESHOLDS]
    reports = action.to_build_action().reports if isinstance(action, TypedAction) else ()
    return (
        f"`{type(action).__name__}`",
        ", ".join(each.value for each in _meets(action)) or "none: it only publishes",
        how,
        version,
        ", ".join(f"{each.name} ({each.format})" for each in reports) or "—",
        ", ".join(options) or _WITHOUT_OPTION.get(type(action).__name__, "—"),
        tried(action),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables() -> dict[str, str]:
    """Return the tables by the names that mark them in the document."""
    actions = example()
    return {
        "requirements": _table(
            ("Requirement", "What it asks", "Met by", "Why one thing, or none"),
            (
                (each.value, each.title, ", ".join(row.by) or "—", row.reason)
                for each, row in met(actions).items()
            ),
        ),
        "actions": _table(
            ("Action", "Requirement", "Installed by", "Version", "Report", "Threshold", "Tried"),
            (_row(each) for each in actions),
        ),
        "tools": _table(("Tool", "Where"), TOOLS.items()),
    }


def document(text: str) -> str:
    """Return the document with its tables as they are now."""
    for name, table in tables().items():
        begin, end = f"<!-- {name}: written by scripts/build_actions_table.py -->", "<!-- end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text("utf-8")), "utf-8")

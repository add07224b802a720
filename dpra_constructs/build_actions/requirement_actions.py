"""Which typed actions meet which requirement of the build: for messages and for the docs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from dpra_constructs.errors import WaiverNeededError
from dpra_constructs.requirements import Requirement

# By name, so that a message about one action needs none of the others.
REQUIREMENT_ACTIONS: Mapping[Requirement, tuple[str, ...]] = MappingProxyType(
    {
        Requirement.BUILD_CODE: (
            "PythonBuild",
            "Npm",
            "Maven",
            "Gradle",
            "Go",
            "Dotnet",
            "Docker",
        ),
        Requirement.BUILD_UNIT_TESTS: ("Pytest", "Jest", "JUnit", "GoTest"),
        Requirement.BUILD_QUALITY: ("Ruff", "Black", "ESLint", "Checkstyle", "SonarQube"),
        Requirement.BUILD_SECRETS: ("DetectSecrets", "Gitleaks", "GitGuardian"),
        Requirement.BUILD_SAST: ("Bandit", "Semgrep", "CheckmarxOne"),
        Requirement.BUILD_SCA: (
            "PipAudit",
            "NpmAudit",
            "Trivy",
            "Snyk",
            "OwaspDependencyCheck",
            "BlackDuck",
            "InspectorCodeSecurity",
        ),
        Requirement.BUILD_SBOM: ("CycloneDxPython", "CycloneDxNpm", "Syft", "TrivySbom"),
    }
)


def require_actions(
    where: str, met: Collection[Requirement], waived: Collection[Requirement]
) -> None:
    """Refuse a build whose actions leave requirements open, and name all of them at once.

    Args:
        where: the build stage.
        met: what its actions meet.
        waived: what has been waived with a reason.

    Raises:
        WaiverNeededError: a requirement is neither met nor waived.

    >>> require_actions("BuildStage", met=REQUIREMENT_ACTIONS, waived=())
    """
    missing = [each for each in REQUIREMENT_ACTIONS if each not in met and each not in waived]
    if not missing:
        return
    named = ", ".join(f"{each.value} ({each.title})" for each in missing)
    actions = "; ".join(
        f"{each.value} with {' or '.join(REQUIREMENT_ACTIONS[each])}" for each in missing
    )
    raise WaiverNeededError(
        where,
        f"no action meets {named}",
        f"meet {actions}; or with any BuildAction(..., meets=[Requirement.{missing[0].name}]), "
        f'or waive what does not hold: waivers={{Requirement.{missing[0].name}: "the reason"}}',
    )

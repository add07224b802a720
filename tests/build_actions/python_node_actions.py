"""Every typed action whose tool is of PyPI or npm: as it is, and with all of its options."""

from dpra_constructs import Requirement
from dpra_constructs.build_actions.bandit import Bandit
from dpra_constructs.build_actions.black import Black
from dpra_constructs.build_actions.cdk_synth import CdkSynth
from dpra_constructs.build_actions.cyclonedx_npm import CycloneDxNpm
from dpra_constructs.build_actions.cyclonedx_python import CycloneDxPython
from dpra_constructs.build_actions.detect_secrets import DetectSecrets
from dpra_constructs.build_actions.eslint import ESLint
from dpra_constructs.build_actions.git_guardian import GitGuardian
from dpra_constructs.build_actions.jest import Jest
from dpra_constructs.build_actions.npm import Npm
from dpra_constructs.build_actions.npm_audit import NpmAudit
from dpra_constructs.build_actions.pip_audit import PipAudit
from dpra_constructs.build_actions.pytest import Pytest
from dpra_constructs.build_actions.python_build import PythonBuild
from dpra_constructs.build_actions.ruff import Ruff
from dpra_constructs.build_actions.secret_reference import SecureParameter
from dpra_constructs.build_actions.semgrep import Semgrep
from dpra_constructs.build_actions.snyk import Snyk
from dpra_constructs.build_actions.sonarqube import SonarQube
from dpra_constructs.build_actions.typed_action import TypedAction

TOKEN = SecureParameter("/acme/token")
# A path with what a shell would take apart.
ODD = "it's $HOME/`odd` & more"
SONAR = "https://sonar.acme.example"

PLAIN: dict[str, tuple[TypedAction, Requirement]] = {
    "bandit": (Bandit(), Requirement.BUILD_SAST),
    "black": (Black(), Requirement.BUILD_QUALITY),
    "cdk-synth": (CdkSynth(), Requirement.BUILD_PACKAGE),
    "cyclonedx-npm": (CycloneDxNpm(), Requirement.BUILD_SBOM),
    "cyclonedx-python": (CycloneDxPython(), Requirement.BUILD_SBOM),
    "detect-secrets": (DetectSecrets(), Requirement.BUILD_SECRETS),
    "eslint": (ESLint(), Requirement.BUILD_QUALITY),
    "git-guardian": (GitGuardian(token=TOKEN), Requirement.BUILD_SECRETS),
    "jest": (Jest(), Requirement.BUILD_UNIT_TESTS),
    "npm": (Npm(), Requirement.BUILD_CODE),
    "npm-audit": (NpmAudit(), Requirement.BUILD_SCA),
    "pip-audit": (PipAudit(), Requirement.BUILD_SCA),
    "pytest": (Pytest(), Requirement.BUILD_UNIT_TESTS),
    "python-build": (PythonBuild(), Requirement.BUILD_CODE),
    "ruff": (Ruff(), Requirement.BUILD_QUALITY),
    "semgrep": (Semgrep(rules=["rules"]), Requirement.BUILD_SAST),
    "snyk": (Snyk(token=TOKEN), Requirement.BUILD_SCA),
    "sonarqube": (
        SonarQube(host_url=SONAR, project_key="fruit", token=TOKEN),
        Requirement.BUILD_QUALITY,
    ),
}
EVERY_OPTION: dict[str, TypedAction] = {
    "bandit": Bandit(
        paths=[ODD],
        exclude=[ODD],
        severity="high",
        confidence="high",
        skip=["B101"],
        configuration=ODD,
        baseline=ODD,
        extra_arguments=[ODD],
    ),
    "black": Black(paths=[ODD], configuration=ODD, extra_arguments=[ODD]),
    "cdk-synth": CdkSynth(requirements=[ODD], app_directory=ODD, context={ODD: ODD}, strict=True),
    "cyclonedx-npm": CycloneDxNpm(
        directory=ODD,
        omit=["dev", "peer"],
        formats=["XML"],
        spec_version="1.5",
        extra_arguments=[ODD],
    ),
    "cyclonedx-python": CycloneDxPython(
        wheels=[ODD],
        requirement_files=[ODD],
        formats=["XML"],
        spec_version="1.7",
        pyproject=ODD,
        extra_arguments=[ODD],
    ),
    "detect-secrets": DetectSecrets(
        paths=[ODD], exclude=[ODD], baseline=ODD, extra_arguments=[ODD]
    ),
    "eslint": ESLint(
        directory=ODD, paths=[ODD], configuration=ODD, max_warnings=0, extra_arguments=[ODD]
    ),
    "git-guardian": GitGuardian(
        token=TOKEN,
        paths=[ODD],
        exclude=[ODD],
        configuration=ODD,
        instance="https://gitguardian.acme.example",
        extra_arguments=[ODD],
    ),
    "git-guardian-history": GitGuardian(token=TOKEN, history=True),
    "jest": Jest(
        directory=ODD,
        paths=[ODD],
        configuration=ODD,
        coverage=True,
        minimum_coverage_percent=80,
        extra_arguments=[ODD],
    ),
    "npm": Npm(directory=ODD, scripts=[ODD], type_check=True, tsconfig=ODD, extra_arguments=[ODD]),
    "npm-audit": NpmAudit(directory=ODD, audit_level="low", omit=["dev"], extra_arguments=[ODD]),
    "pip-audit": PipAudit(
        requirement_files=[ODD],
        fail_on="high",
        ignore={"PYSEC-2024-1": "not reached by us"},
        extra_arguments=[ODD],
    ),
    "pip-audit-environment": PipAudit(requirement_files=[]),
    "pip-audit-wheels": PipAudit(requirement_files=[ODD], wheels=[ODD], requirements=[ODD]),
    "pytest": Pytest(
        paths=[ODD],
        coverage=[ODD],
        branch_coverage=True,
        minimum_coverage_percent=80,
        configuration=ODD,
        extra_arguments=[ODD],
    ),
    "python-build": PythonBuild(
        directory=ODD, source_distribution=True, requirements=[ODD], extra_arguments=[ODD]
    ),
    "ruff": Ruff(paths=[ODD], configuration=ODD, extra_arguments=[ODD]),
    "semgrep": Semgrep(
        rules=[ODD], paths=[ODD], exclude=[ODD], severity="WARNING", extra_arguments=[ODD]
    ),
    "snyk": Snyk(
        token=TOKEN,
        severity_threshold="low",
        fail_on="all",
        manifest=ODD,
        organization=ODD,
        policy=ODD,
        extra_arguments=[ODD],
    ),
    "snyk-all": Snyk(token=TOKEN, all_projects=True),
    "sonarqube": SonarQube(
        host_url=SONAR,
        project_key="fruit",
        token=TOKEN,
        organization=ODD,
        sources=[ODD],
        tests=[ODD],
        coverage=[ODD],
        quality_gate_timeout_seconds=60,
        extra_arguments=[ODD],
    ),
}
ALL = {f"{name}-plain": action for name, (action, _) in PLAIN.items()} | EVERY_OPTION

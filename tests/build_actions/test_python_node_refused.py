# mypy: disable-error-code="arg-type, dict-item"
"""What a caller writes wrong in a Python or Node action is refused, with what to do."""

from collections.abc import Callable

import pytest

from dpra_constructs import InvalidArgumentError
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
from dpra_constructs.build_actions.secret_reference import SecureParameter
from dpra_constructs.build_actions.semgrep import Semgrep
from dpra_constructs.build_actions.snyk import Snyk
from dpra_constructs.build_actions.sonarqube import SonarQube

TOKEN = SecureParameter("/acme/token")
PLAIN = "plain-value-that-no-message-may-show"


def sonar(**options: object) -> SonarQube:
    given = {"host_url": "https://sonar.acme.example", "project_key": "fruit", "token": TOKEN}
    return SonarQube(**{**given, **options})


def not_a_path(where: str, argument: str) -> str:
    return (
        f"{where}: {argument}='/etc' is not a path inside the repository with forward slashes; "
        "write it relative to the repository's root, like 'tests/unit'"
    )


def not_one_of(where: str, argument: str, given: str, allowed: str) -> str:
    return (
        f"{where}: {argument}='{given}' is not one of {allowed}; choose one of them for {argument}"
    )


def no_flag(where: str, argument: str) -> str:
    return (
        f"{where}: {argument}='yes' is not True or False; write {argument}=True or {argument}=False"
    )


def no_list(where: str, argument: str) -> str:
    return (
        f"{where}: {argument}='src' is not a sequence of texts; "
        f"write it as a list: {argument}=[...]"
    )


def plain_token(where: str) -> str:
    return (
        f"{where}: token is a plain value of type str, which would stand in the template, and a "
        "reference to a secret is needed; keep it in Secrets Manager and write "
        'token=SecretsManagerSecret("acme/tools", json_key="token"), or in Parameter Store and '
        'write SecureParameter("/acme/token")'
    )


BANDIT, BLACK, SECRETS = 'Bandit "Sast"', 'Black "CodeQuality"', 'DetectSecrets "Secrets"'
SEMGREP, GITGUARDIAN, PIP_AUDIT = 'Semgrep "Sast"', 'GitGuardian "Secrets"', 'PipAudit "Sca"'
SBOM, SONAR, NPM = 'CycloneDxPython "Sbom"', 'SonarQube "CodeQuality"', 'Npm "Package"'
JEST, ESLINT, NPM_AUDIT = 'Jest "UnitTests"', 'ESLint "CodeQuality"', 'NpmAudit "Sca"'
NPM_SBOM, SNYK, PYTEST = 'CycloneDxNpm "Sbom"', 'Snyk "Sca"', 'Pytest "UnitTests"'
BUILD, SYNTH = 'PythonBuild "Package"', 'CdkSynth "Synth"'
HTTPS = "is not an https address"
LEVELS = "critical, high, info, low, moderate"
VERSIONS = "1.4, 1.5, 1.6, 1.7"

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "bandit without paths": (
        lambda: Bandit(paths=[]),
        f"{BANDIT}: paths is empty; give paths at least one",
    ),
    "bandit paths is one text": (lambda: Bandit(paths="src"), no_list(BANDIT, "paths")),
    "bandit outside": (lambda: Bandit(paths=["/etc"]), not_a_path(BANDIT, "paths")),
    "bandit exclude": (lambda: Bandit(exclude="src"), no_list(BANDIT, "exclude")),
    "bandit severity": (
        lambda: Bandit(severity="HIGH"),
        not_one_of(BANDIT, "severity", "HIGH", "high, low, medium"),
    ),
    "bandit confidence": (
        lambda: Bandit(confidence="sure"),
        not_one_of(BANDIT, "confidence", "sure", "high, low, medium"),
    ),
    "bandit skip": (
        lambda: Bandit(skip=["B101,B102"]),
        f"{BANDIT}: skip='B101,B102' is not a valid name: 1 to 40 letters, digits and hyphens, "
        "beginning with a letter; choose another name, like 'one-box'",
    ),
    "bandit configuration": (
        lambda: Bandit(configuration="/etc"),
        not_a_path(BANDIT, "configuration"),
    ),
    "bandit baseline": (lambda: Bandit(baseline="/etc"), not_a_path(BANDIT, "baseline")),
    "bandit requirements": (
        lambda: Bandit(requirements=["/etc"]),
        not_a_path(BANDIT, "requirements"),
    ),
    "black paths": (lambda: Black(paths=["/etc"]), not_a_path(BLACK, "paths")),
    "black configuration": (
        lambda: Black(configuration="/etc"),
        not_a_path(BLACK, "configuration"),
    ),
    "detect-secrets paths": (lambda: DetectSecrets(paths="src"), no_list(SECRETS, "paths")),
    "detect-secrets exclude": (lambda: DetectSecrets(exclude="src"), no_list(SECRETS, "exclude")),
    "detect-secrets baseline": (
        lambda: DetectSecrets(baseline="/etc"),
        not_a_path(SECRETS, "baseline"),
    ),
    "semgrep without rules": (
        lambda: Semgrep(rules=[]),
        f"{SEMGREP}: rules is empty; give rules at least one",
    ),
    "semgrep rules of the registry": (
        lambda: Semgrep(rules=["p/python"]),
        f"{SEMGREP}: rules has 'p/python', which Semgrep fetches from a server that may change it "
        "any time; keep the rules in the repository and name their file or folder, like "
        'rules=["security/rules"]',
    ),
    "semgrep rules of another server": (
        lambda: Semgrep(rules=["https://rules.example"]),
        f"{SEMGREP}: rules has 'https://rules.example', which Semgrep fetches from a server that "
        "may change it any time; keep the rules in the repository and name their file or folder, "
        'like rules=["security/rules"]',
    ),
    "semgrep auto": (
        lambda: Semgrep(rules=["auto"]),
        f"{SEMGREP}: rules has 'auto', which Semgrep fetches from a server that may change it any "
        "time; keep the rules in the repository and name their file or folder, like "
        'rules=["security/rules"]',
    ),
    "semgrep paths": (
        lambda: Semgrep(rules=["rules"], paths=["/etc"]),
        not_a_path(SEMGREP, "paths"),
    ),
    "semgrep exclude": (
        lambda: Semgrep(rules=["rules"], exclude="src"),
        no_list(SEMGREP, "exclude"),
    ),
    "semgrep severity": (
        lambda: Semgrep(rules=["rules"], severity="high"),
        not_one_of(SEMGREP, "severity", "high", "ERROR, INFO, WARNING"),
    ),
    "ggshield plain token": (lambda: GitGuardian(token=PLAIN), plain_token(GITGUARDIAN)),
    "ggshield shows secrets": (
        lambda: GitGuardian(token=TOKEN, extra_arguments=["--show-secrets"]),
        f"{GITGUARDIAN}: extra_arguments has --show-secrets, which writes secrets into the log; "
        "remove it",
    ),
    "ggshield paths and history": (
        lambda: GitGuardian(token=TOKEN, paths=["src"], history=True),
        f"{GITGUARDIAN}: paths is given, and history=True scans every commit as a whole; leave one "
        "of them out",
    ),
    "ggshield history": (
        lambda: GitGuardian(token=TOKEN, history="yes"),
        no_flag(GITGUARDIAN, "history"),
    ),
    "ggshield exclude": (
        lambda: GitGuardian(token=TOKEN, exclude="src"),
        no_list(GITGUARDIAN, "exclude"),
    ),
    "ggshield configuration": (
        lambda: GitGuardian(token=TOKEN, configuration="/etc"),
        not_a_path(GITGUARDIAN, "configuration"),
    ),
    "ggshield instance": (
        lambda: GitGuardian(token=TOKEN, instance="http://acme.example"),
        f"{GITGUARDIAN}: instance='http://acme.example' {HTTPS}; write it like "
        'instance="https://gitguardian.acme.example"',
    ),
    "pip-audit files": (
        lambda: PipAudit(requirement_files=["/etc"]),
        not_a_path(PIP_AUDIT, "requirement_files"),
    ),
    "pip-audit wheels": (lambda: PipAudit(wheels=["/etc"]), not_a_path(PIP_AUDIT, "wheels")),
    "pip-audit threshold": (
        lambda: PipAudit(fail_on="medium"),
        not_one_of(PIP_AUDIT, "fail_on", "medium", "any, critical, high, low, moderate"),
    ),
    "pip-audit ignores without reasons": (
        lambda: PipAudit(ignore=["PYSEC-2024-1"]),
        f"{PIP_AUDIT}: ignore=['PYSEC-2024-1'] is not a mapping of ids to reasons; write it like "
        'ignore={"PYSEC-2024-1": "only on Windows, where we never run"}',
    ),
    "pip-audit ignores without a reason": (
        lambda: PipAudit(ignore={"PYSEC-2024-1": " "}),
        f"{PIP_AUDIT}: ignore['PYSEC-2024-1'], the reason=' ' is not a text that says something; "
        "give ignore['PYSEC-2024-1'], the reason a text",
    ),
    "pip-audit osv": (
        lambda: PipAudit(osv="osv.acme.example"),
        f"{PIP_AUDIT}: osv='osv.acme.example' {HTTPS}; write it like osv=\"https://api.osv.dev\"",
    ),
    "sbom of nothing": (
        lambda: CycloneDxPython(wheels=[]),
        f"{SBOM}: wheels and requirement_files are empty, so that the SBOM would list nothing; "
        'name what was built, like wheels=["dist"]',
    ),
    "sbom format": (
        lambda: CycloneDxPython(formats=["SPDX"]),
        not_one_of(SBOM, "formats", "SPDX", "JSON, XML"),
    ),
    "sbom format twice": (
        lambda: CycloneDxPython(formats=["XML", "XML"]),
        f"{SBOM}: formats has XML more than once; keep one of each",
    ),
    "sbom without formats": (
        lambda: CycloneDxPython(formats=[]),
        f"{SBOM}: formats is empty; give formats at least one",
    ),
    "sbom version": (
        lambda: CycloneDxPython(spec_version="1.3"),
        not_one_of(SBOM, "spec_version", "1.3", VERSIONS),
    ),
    "sbom pyproject": (
        lambda: CycloneDxPython(pyproject="/etc"),
        not_a_path(SBOM, "pyproject"),
    ),
    "sbom files": (
        lambda: CycloneDxPython(requirement_files=["/etc"]),
        not_a_path(SBOM, "requirement_files"),
    ),
    "sonar plain token": (lambda: sonar(token=PLAIN), plain_token(SONAR)),
    "sonar token as argument": (
        lambda: sonar(extra_arguments=[f"-Dsonar.token={PLAIN}"]),
        f"{SONAR}: extra_arguments has -Dsonar.token, and what stands there is seen in the "
        'template and the log; refer to it: token=SecureParameter("/acme/sonar-token")',
    ),
    "sonar host": (
        lambda: sonar(host_url="sonar.acme.example"),
        f"{SONAR}: host_url='sonar.acme.example' {HTTPS}; write it like "
        'host_url="https://sonar.acme.example"',
    ),
    "sonar key": (
        lambda: sonar(project_key="123"),
        f"{SONAR}: project_key='123' is not a project key: letters, digits and - _ . : with at "
        'least one that is no digit; write it like project_key="acme_fruit"',
    ),
    "sonar organization": (
        lambda: sonar(organization=""),
        f"{SONAR}: organization='' is not a text that says something; give organization a text",
    ),
    "sonar sources": (lambda: sonar(sources=["/etc"]), not_a_path(SONAR, "sources")),
    "sonar tests": (lambda: sonar(tests=["/etc"]), not_a_path(SONAR, "tests")),
    "sonar coverage": (lambda: sonar(coverage=["/etc"]), not_a_path(SONAR, "coverage")),
    "sonar timeout": (
        lambda: sonar(quality_gate_timeout_seconds=0),
        f"{SONAR}: quality_gate_timeout_seconds=0 is not a whole number from 1 to 3600; write it "
        "like quality_gate_timeout_seconds=80",
    ),
    "npm directory": (lambda: Npm(directory="/etc"), not_a_path(NPM, "directory")),
    "npm scripts": (lambda: Npm(scripts="src"), no_list(NPM, "scripts")),
    "npm builds nothing": (
        lambda: Npm(scripts=[]),
        f"{NPM}: scripts is empty and type_check is False, so that nothing would be built; name a "
        'script of package.json, like scripts=["build"]',
    ),
    "npm type check": (lambda: Npm(type_check="yes"), no_flag(NPM, "type_check")),
    "npm tsconfig that nothing reads": (
        lambda: Npm(tsconfig="tsconfig.build.json"),
        f"{NPM}: tsconfig='tsconfig.build.json' is given, and type_check is False; write "
        "type_check=True, or leave tsconfig out",
    ),
    "npm tsconfig": (
        lambda: Npm(type_check=True, tsconfig="/etc"),
        not_a_path(NPM, "tsconfig"),
    ),
    "npm outputs": (
        lambda: Npm(outputs=["dist"]),
        "BuildAction \"Package\": outputs=['dist'] is not a mapping of names to directories; write "
        'it like outputs={"dist": "dist"}',
    ),
    "jest paths": (lambda: Jest(paths="src"), no_list(JEST, "paths")),
    "jest configuration": (lambda: Jest(configuration="/etc"), not_a_path(JEST, "configuration")),
    "jest coverage": (lambda: Jest(coverage="yes"), no_flag(JEST, "coverage")),
    "jest minimum": (
        lambda: Jest(coverage=True, minimum_coverage_percent=101),
        f"{JEST}: minimum_coverage_percent=101 is not a whole number from 1 to 100; write it like "
        "minimum_coverage_percent=80",
    ),
    "jest minimum of nothing": (
        lambda: Jest(minimum_coverage_percent=80),
        f"{JEST}: minimum_coverage_percent=80 is given, and coverage is not measured; write "
        "coverage=True",
    ),
    "eslint paths": (lambda: ESLint(paths=["/etc"]), not_a_path(ESLINT, "paths")),
    "eslint configuration": (
        lambda: ESLint(configuration="/etc"),
        not_a_path(ESLINT, "configuration"),
    ),
    "eslint warnings": (
        lambda: ESLint(max_warnings=-1),
        f"{ESLINT}: max_warnings=-1 is not a whole number from 0 to 100000; write it like "
        "max_warnings=80",
    ),
    "npm audit level": (
        lambda: NpmAudit(audit_level="none"),
        not_one_of(NPM_AUDIT, "audit_level", "none", LEVELS),
    ),
    "npm audit omit": (
        lambda: NpmAudit(omit=["prod"]),
        not_one_of(NPM_AUDIT, "omit", "prod", "dev, optional, peer"),
    ),
    "npm audit omit twice": (
        lambda: NpmAudit(omit=["dev", "dev"]),
        f"{NPM_AUDIT}: omit has dev more than once; keep one of each",
    ),
    "npm sbom omit": (
        lambda: CycloneDxNpm(omit=["prod"]),
        not_one_of(NPM_SBOM, "omit", "prod", "dev, optional, peer"),
    ),
    "npm sbom format": (
        lambda: CycloneDxNpm(formats=["SPDX"]),
        not_one_of(NPM_SBOM, "formats", "SPDX", "JSON, XML"),
    ),
    "npm sbom version": (
        lambda: CycloneDxNpm(spec_version="2"),
        not_one_of(NPM_SBOM, "spec_version", "2", VERSIONS),
    ),
    "snyk plain token": (lambda: Snyk(token=PLAIN), plain_token(SNYK)),
    "snyk token as argument": (
        lambda: Snyk(token=TOKEN, extra_arguments=[f"--token={PLAIN}"]),
        f"{SNYK}: extra_arguments has --token, and what stands there is seen in the template and "
        'the log; refer to it: token=SecureParameter("/acme/snyk-token")',
    ),
    "snyk threshold": (
        lambda: Snyk(token=TOKEN, severity_threshold="moderate"),
        not_one_of(SNYK, "severity_threshold", "moderate", "critical, high, low, medium"),
    ),
    "snyk fail_on": (
        lambda: Snyk(token=TOKEN, fail_on="high"),
        not_one_of(SNYK, "fail_on", "high", "all, patchable, upgradable"),
    ),
    "snyk manifest": (lambda: Snyk(token=TOKEN, manifest="/etc"), not_a_path(SNYK, "manifest")),
    "snyk policy": (lambda: Snyk(token=TOKEN, policy="/etc"), not_a_path(SNYK, "policy")),
    "snyk organization": (
        lambda: Snyk(token=TOKEN, organization=" "),
        f"{SNYK}: organization=' ' is not a text that says something; give organization a text",
    ),
    "snyk all projects": (
        lambda: Snyk(token=TOKEN, all_projects="yes"),
        no_flag(SNYK, "all_projects"),
    ),
    "snyk one of all": (
        lambda: Snyk(token=TOKEN, manifest="requirements.txt", all_projects=True),
        f"{SNYK}: manifest='requirements.txt' is given, and all_projects=True tests every one; "
        "leave one of them out",
    ),
    "pytest branches of nothing": (
        lambda: Pytest(branch_coverage=True),
        f"{PYTEST}: branch_coverage=True is given, and coverage is not; say what is measured, like "
        'coverage=["src"]',
    ),
    "pytest configuration": (
        lambda: Pytest(configuration="/etc"),
        not_a_path(PYTEST, "configuration"),
    ),
    "build source distribution": (
        lambda: PythonBuild(source_distribution="yes"),
        no_flag(BUILD, "source_distribution"),
    ),
    "synth context": (
        lambda: CdkSynth(context={"stage": 1}),
        f"{SYNTH}: context={{'stage': 1}} is not a mapping of texts to texts; write it like "
        'context={"stage": "beta"}',
    ),
    "synth strict": (lambda: CdkSynth(strict="yes"), no_flag(SYNTH, "strict")),
    "secret in the environment": (
        lambda: Jest(environment={"NPM_TOKEN": PLAIN}),
        f"{JEST}: environment has NPM_TOKEN, which by its name is a secret, and these values stand "
        'in the template; refer to it: secrets={"NPM_TOKEN": SecretsManagerSecret("acme/tools", '
        'json_key="token")}',
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_with_the_fix(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        make()
    assert str(refused.value) == message
    assert PLAIN not in str(refused.value)

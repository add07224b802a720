"""Every typed build action once, and other tools that the DPRA names as a `BuildAction`.

A real pipeline takes one or two of each kind.
"""

from dpra_constructs import Requirement
from dpra_constructs.build_actions import (
    ArtifactoryPublish,
    Bandit,
    Black,
    BlackDuck,
    BuildAction,
    CdkSynth,
    CheckmarxOne,
    Checkstyle,
    CodeArtifactPublish,
    CycloneDxNpm,
    CycloneDxPython,
    DetectSecrets,
    Docker,
    Dotnet,
    EcrPush,
    ESLint,
    GitGuardian,
    Gitleaks,
    Go,
    GoTest,
    Gradle,
    InspectorCodeSecurity,
    Jest,
    JUnit,
    Maven,
    NexusPublish,
    Npm,
    NpmAudit,
    OwaspDependencyCheck,
    Permission,
    PipAudit,
    Pytest,
    PythonBuild,
    Ruff,
    SecretsManagerSecret,
    SecureParameter,
    Semgrep,
    Snyk,
    SonarQube,
    Syft,
    Trivy,
    TrivySbom,
)


def _secret(json_key: str) -> SecretsManagerSecret:
    return SecretsManagerSecret("acme/tools", json_key=json_key)


BUILD = [
    PythonBuild(name="Wheel", requirements=["requirements-dev.txt"]),
    Npm(name="Npm", directory="web", type_check=True, outputs={"web": "web/build"}),
    Maven(name="Maven", directory="orders", outputs={"orders": "orders/target"}),
    Gradle(name="Gradle", directory="stock", outputs={"stock": "stock/build/libs"}),
    Go(name="Go", directory="gateway"),
    Dotnet(name="Dotnet", path="billing", output="billing-app"),
    Docker(name="Docker", image="acme/reports", output="reports-image"),
]
UNIT_TESTS = [
    Pytest(name="Pytest", coverage=["src"], minimum_coverage_percent=80),
    Jest(name="Jest", directory="web", coverage=True),
    JUnit(name="JUnit", directory="orders", minimum_coverage_percent=80),
    GoTest(name="GoTest"),
]
QUALITY = [
    Ruff(name="Ruff"),
    Black(name="Black", paths=["src", "tests"]),
    ESLint(name="ESLint", directory="web", max_warnings=0),
    Checkstyle(name="Checkstyle"),
    SonarQube(
        name="SonarQube",
        host_url="https://sonar.acme.example",
        project_key="all-tools",
        token=_secret("sonar"),
        sources=["src"],
    ),
]
SECRETS = [
    DetectSecrets(name="DetectSecrets"),
    Gitleaks(name="Gitleaks"),
    GitGuardian(name="GitGuardian", token=_secret("git-guardian")),
]
SAST = [
    Bandit(name="Bandit", paths=["src"]),
    Semgrep(name="Semgrep", rules=["security/rules"]),
    CheckmarxOne(
        name="CheckmarxOne", project_name="all-tools", api_key=SecureParameter("/acme/checkmarx")
    ),
]
SCA = [
    PipAudit(name="PipAudit", fail_on="high"),
    NpmAudit(name="NpmAudit", directory="web"),
    Trivy(name="Trivy", fail_on="high"),
    Snyk(name="Snyk", token=_secret("snyk")),
    OwaspDependencyCheck(name="DependencyCheck", nvd_api_key=SecureParameter("/acme/nvd")),
    BlackDuck(
        name="BlackDuck",
        # No default: Black Duck gives the hash to its customers.
        version="11.4.2",
        sha256={"*": "0" * 64},
        url="https://blackduck.acme.example",
        api_token=_secret("black-duck"),
        project_name="all-tools",
    ),
    InspectorCodeSecurity(name="Inspector", input="dist"),
]
SBOM = [
    CycloneDxPython(name="CycloneDxPython", output="sbom-python"),
    CycloneDxNpm(name="CycloneDxNpm", directory="web", output="sbom-npm"),
    Syft(name="Syft", path="dist", inputs=["dist"], output="sbom-syft"),
    TrivySbom(name="TrivySbom", path="orders/target", inputs=["orders"], output="sbom-trivy"),
]
PUBLISH = [
    CodeArtifactPublish(
        name="CodeArtifact",
        domain="acme",
        repository="releases",
        format="pypi",
        files=["dist/*.whl"],
        packages=["all-tools"],
        inputs=["dist"],
    ),
    EcrPush(name="Ecr", repository="acme/reports"),
    NexusPublish(
        name="Nexus",
        url="https://nexus.acme.example",
        repository="releases",
        format="pypi",
        files=["dist/*.whl"],
        username=_secret("nexus-user"),
        password=_secret("nexus"),
        inputs=["dist"],
    ),
    ArtifactoryPublish(
        name="Artifactory",
        url="https://acme.jfrog.io/artifactory",
        repository="wheels",
        files=["dist/*.whl"],
        token=_secret("artifactory"),
        inputs=["dist"],
    ),
]
# What has no typed action is one value too. Terraform is part of no build image: `install` takes
# the release that the team keeps in its own bucket, and checks it.
OTHER = [
    BuildAction(
        "Terraform",
        install=[
            "aws s3 cp --only-show-errors s3://acme-tools/terraform.zip /tmp/terraform.zip",
            "sha256sum --check security/terraform.sha256",
            "unzip -q -o /tmp/terraform.zip -d /usr/local/bin",
        ],
        commands=[
            "terraform -chdir=network init -backend=false",
            "terraform -chdir=network validate",
        ],
        permissions=[
            Permission(
                actions=["s3:GetObject"],
                resources=["arn:{partition}:s3:::acme-tools/terraform.zip"],
            )
        ],
        meets=[Requirement.BUILD_QUALITY],
    ),
]
# A CodeBuild action takes at most four outputs of others: those that the application is made of.
SYNTH = CdkSynth(inputs=["dist", "web", "orders", "image"])
ACTIONS = [*BUILD, *UNIT_TESTS, *QUALITY, *SECRETS, *SAST, *SCA, *SBOM, *PUBLISH, *OTHER]

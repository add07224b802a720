"""Every typed action whose tool is of the build image or downloaded, with all of its options."""

from dpra_constructs.build_actions.artifactory_publish import ArtifactoryPublish
from dpra_constructs.build_actions.black_duck import BlackDuck
from dpra_constructs.build_actions.checkmarx_one import CheckmarxOne
from dpra_constructs.build_actions.checkstyle import Checkstyle
from dpra_constructs.build_actions.code_artifact_publish import CodeArtifactPublish
from dpra_constructs.build_actions.docker import Docker
from dpra_constructs.build_actions.dotnet import Dotnet
from dpra_constructs.build_actions.ecr_push import EcrPush
from dpra_constructs.build_actions.gitleaks import Gitleaks
from dpra_constructs.build_actions.go import Go
from dpra_constructs.build_actions.go_test import GoTest
from dpra_constructs.build_actions.gradle import Gradle
from dpra_constructs.build_actions.junit import JUnit
from dpra_constructs.build_actions.maven import Maven
from dpra_constructs.build_actions.nexus_publish import NexusPublish
from dpra_constructs.build_actions.owasp_dependency_check import OwaspDependencyCheck
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, SecureParameter
from dpra_constructs.build_actions.syft import Syft
from dpra_constructs.build_actions.trivy import Trivy
from dpra_constructs.build_actions.trivy_sbom import TrivySbom
from dpra_constructs.build_actions.typed_action import TypedAction

TOKEN = SecretsManagerSecret("acme/tools", json_key="token")
KEY = SecureParameter("/acme/key")
HASH = "0" * 64


def nexus(format: str, directory: str | None = None) -> NexusPublish:
    return NexusPublish(
        url="https://nexus.acme.example",
        repository="releases",
        format=format,
        files=["dist/*.pom"] if format == "maven2" else ["dist/*.whl", "dist/*.tgz"],
        username=TOKEN,
        password=KEY,
        directory=directory,
    )


def code_artifact(format: str) -> CodeArtifactPublish:
    return CodeArtifactPublish(
        domain="acme",
        repository="releases",
        format=format,
        files=["dist/*.pom" if format == "maven" else "dist/*"],
        packages=["fruit-api", "com.acme/fruit"],
        domain_owner="555555555555",
    )


ACTIONS: dict[str, TypedAction] = {
    "maven": Maven(),
    "maven with all": Maven(
        directory="my service",
        goals=["clean", "verify"],
        profiles=["release", "aws"],
        settings="settings.xml",
        skip_tests=False,
        wrapper=True,
        java="corretto21",
        outputs={"jar": "my service/target"},
    ),
    "gradle": Gradle(),
    "gradle with all": Gradle(
        directory="service", tasks=["build"], wrapper=True, java="corretto17", outputs={"a": "b"}
    ),
    "go": Go(),
    "go with all": Go(
        directory="service", packages=["./cmd/fruit"], platform="linux/arm64", go="1.25"
    ),
    "dotnet": Dotnet(),
    "dotnet with all": Dotnet(
        path="src/Fruit", configuration="Debug", output="out", locked=False, dotnet="8.0"
    ),
    "docker": Docker(image="acme/fruit"),
    "docker with all": Docker(
        image="fruit",
        dockerfile="docker/Dockerfile",
        context="docker",
        build_arguments={"VERSION": "it's 1.0"},
        target="runtime",
        platform="linux/arm64/v8",
        output="oci",
    ),
    "junit by maven": JUnit(minimum_coverage_percent=80, wrapper=True, java="corretto21"),
    "junit by gradle": JUnit(
        build_tool="gradle", directory="service", minimum_coverage_percent=80, wrapper=True
    ),
    "junit without coverage": JUnit(coverage=False),
    "go test": GoTest(minimum_coverage_percent=80, race=True, go="1.25"),
    "go test without coverage": GoTest(coverage=False),
    "checkstyle": Checkstyle(fail_on="warning"),
    "checkstyle, another version": Checkstyle(
        configuration="/google_checks.xml", version="13.9.0", sha256={"*": HASH}, java=None
    ),
    "gitleaks": Gitleaks(),
    "gitleaks with all": Gitleaks(
        history=False, configuration="a.toml", baseline="b.json", ignore_file="c"
    ),
    "checkmarx": CheckmarxOne(project_name="fruit api", api_key=KEY),
    "checkmarx with all": CheckmarxOne(
        project_name="fruit",
        api_key=TOKEN,
        branch="trunk",
        path="src",
        scan_types=["sast", "sca"],
        threshold={"sast-high": 1, "sca-critical": 2},
        base_url="https://eu.ast.checkmarx.net/",
    ),
    "trivy": Trivy(),
    "trivy with all": Trivy(
        path="dist",
        inputs=["dist"],
        fail_on="low",
        licences=False,
        ignore_unfixed=True,
        ignore_file=".ignore",
        configuration="trivy.yaml",
        skip_directories=["node_modules", "my tests"],
    ),
    "dependency-check": OwaspDependencyCheck(),
    "dependency-check with all": OwaspDependencyCheck(
        paths=["target", "**/*.jar"],
        fail_on_cvss=8.5,
        nvd_api_key=KEY,
        nvd_data_feed="https://nvd.acme.example/nvdcve-{0}.json.gz",
        suppressions=["suppressions.xml"],
        exclude=["**/test/**"],
        project_name="fruit",
        java="corretto21",
    ),
    "black duck": BlackDuck(
        version="11.4.2",
        sha256={"*": HASH},
        url="https://blackduck.acme.example",
        api_token=KEY,
        project_name="fruit api",
        fail_on=["MAJOR"],
        scan_mode="INTELLIGENT",
        tools=["DETECTOR", "DOCKER"],
        java="corretto21",
    ),
    "syft": Syft(path="dist", inputs=["dist"]),
    "syft with all": Syft(
        formats=["cyclonedx"], output="boms", configuration="syft.yaml", subject="fruit"
    ),
    "trivy sbom": TrivySbom(path="dist", inputs=["dist"]),
    "pypi to codeartifact": code_artifact("pypi"),
    "npm to codeartifact": code_artifact("npm"),
    "maven to codeartifact": code_artifact("maven"),
    "ecr": EcrPush(repository="acme/fruit"),
    "ecr with all": EcrPush(
        repository="fruit",
        dockerfile="d/Dockerfile",
        build_arguments={"A": "b c"},
        target="x",
        platform="linux/arm64",
        scan=Trivy(fail_on="critical", ignore_unfixed=True),
        signing_profile="fruit_images",
        output="fruit-image",
    ),
    "pypi to nexus": nexus("pypi"),
    "npm to nexus": nexus("npm"),
    "maven to nexus": nexus("maven2"),
    "raw to nexus": nexus("raw", "fruit/1.0"),
    "artifactory": ArtifactoryPublish(
        url="https://acme.jfrog.io/artifactory",
        repository="wheels",
        files=["dist/*.whl"],
        token=TOKEN,
        directory="fruit/1.0",
    ),
}


def commands(action: TypedAction) -> list[str]:
    built = action.to_build_action()
    return [*built.install, *built.commands]

"""What the actions render, whose tools cannot be run here: against the tools' documentation."""

import re
import shlex
import shutil
import subprocess

import pytest

from dpra_constructs.build_actions import BuildAction, CodeBuildProject
from dpra_constructs.build_actions.docker import Docker
from dpra_constructs.build_actions.downloaded_tool import DownloadedTool
from dpra_constructs.build_actions.ecr_push import EcrPush
from dpra_constructs.build_actions.gitleaks import Gitleaks
from dpra_constructs.build_actions.go import Go
from dpra_constructs.build_actions.inspector_code_security import InspectorCodeSecurity
from dpra_constructs.build_actions.junit import JUnit
from dpra_constructs.build_actions.syft import Syft
from dpra_constructs.build_actions.trivy import Trivy
from dpra_constructs.requirements import Requirement
from tests.build_actions.other_actions import ACTIONS, KEY, TOKEN, commands

MAVEN = "https://maven.apache.org/ref/current/maven-embedder/cli.html"
DOCKER = "https://docs.docker.com/reference/cli/docker/"
TRIVY = "https://trivy.dev/docs/latest/references/configuration/cli/"
AWS = "https://docs.aws.amazon.com/cli/latest/reference/"
#: The beginning of a command -> where it is documented, and which options it has there.
DOCUMENTED: dict[str, tuple[str, str]] = {
    "mvn": (
        MAVEN + " and https://maven.apache.org/plugins/maven-deploy-plugin/deploy-file-mojo.html",
        "--batch-mode --no-transfer-progress --strict-checksums --file --settings "
        "--activate-profiles -DskipTests -DrepositoryId -Durl -DpomFile -Dfile",
    ),
    "gradle": (
        "https://docs.gradle.org/current/userguide/command_line_interface.html",
        "--no-daemon --console --dependency-verification --project-dir",
    ),
    "go mod verify": ("https://go.dev/ref/mod#go-mod-verify", "-C"),
    "go build": ("https://pkg.go.dev/cmd/go", "-C -trimpath -o"),
    "go install": ("https://pkg.go.dev/cmd/go", ""),
    "go tool cover": ("https://pkg.go.dev/cmd/cover", "-func"),
    "gotestsum": (
        "https://github.com/gotestyourself/gotestsum and https://pkg.go.dev/cmd/go",
        "--junitfile -- -race -coverprofile",
    ),
    "gocover-cobertura": ("https://github.com/boumenot/gocover-cobertura", ""),
    "dotnet restore": (
        "https://learn.microsoft.com/dotnet/core/tools/dotnet-restore",
        "--locked-mode",
    ),
    "dotnet publish": (
        "https://learn.microsoft.com/dotnet/core/tools/dotnet-publish",
        "--no-restore --configuration --output",
    ),
    "docker build": (
        DOCKER + "buildx/build/",
        "--tag --file --target --platform --build-arg",
    ),
    "docker save": (DOCKER + "image/save/", "--output"),
    "docker login": (DOCKER + "login/", "--username --password-stdin"),
    "docker logout": (DOCKER + "logout/", ""),
    "docker pull": (DOCKER + "image/pull/", "--quiet"),
    "docker push": (DOCKER + "image/push/", "--quiet"),
    "docker tag": (DOCKER + "image/tag/", ""),
    'java -jar "$CHECKSTYLE"': ("https://checkstyle.org/cmdline.html", "-jar -f -o -c"),
    'java -jar "$DETECT"': (
        "https://documentation.blackduck.com/bundle/detect/page/properties/all-properties.html",
        "-jar --blackduck.url --detect.project.name --detect.project.version.name "
        "--detect.source.path --detect.tools --detect.blackduck.scan.mode "
        "--detect.policy.check.fail.on.severities",
    ),
    "gitleaks git": (
        "https://github.com/gitleaks/gitleaks#usage",
        "--no-banner --redact --verbose --report-format --report-path --config --baseline-path "
        "--gitleaks-ignore-path",
    ),
    "gitleaks dir": (
        "https://github.com/gitleaks/gitleaks#usage",
        "--no-banner --redact --verbose --report-format --report-path --config --baseline-path "
        "--gitleaks-ignore-path",
    ),
    "cx scan create": (
        "https://docs.checkmarx.com/en/34965-68643-scan.html",
        "--project-name --branch --file-source --scan-types --threshold --base-uri "
        "--report-format --output-path --output-name",
    ),
    "trivy filesystem": (
        TRIVY + "trivy_filesystem/",
        "--quiet --format --output --scanners --severity --ignore-unfixed --ignorefile --config "
        "--skip-dirs",
    ),
    "trivy image": (
        TRIVY + "trivy_image/",
        "--quiet --format --output --scanners --severity --ignore-unfixed --ignorefile --config "
        "--skip-dirs",
    ),
    "dependency-check.sh": (
        "https://dependency-check.github.io/DependencyCheck/dependency-check-cli/arguments.html",
        "--project --format --out --data --failOnCVSS --junitFailOnCVSS --nvdDatafeed "
        "--suppression --exclude --scan --propertyfile",
    ),
    "syft scan": (
        "https://oss.anchore.com/docs/reference/syft/cli/",
        "--config --source-name --output",
    ),
    "python -m twine upload": (
        "https://twine.readthedocs.io/en/stable/",
        "-m --non-interactive --disable-progress-bar --repository-url",
    ),
    "npm publish": (
        "https://docs.npmjs.com/cli/v11/commands/npm-publish",
        "--ignore-scripts --registry --userconfig",
    ),
    "aws codeartifact get-authorization-token": (
        AWS + "codeartifact/get-authorization-token.html",
        "--domain --domain-owner --query --output",
    ),
    "aws codeartifact get-repository-endpoint": (
        AWS + "codeartifact/get-repository-endpoint.html",
        "--domain --domain-owner --repository --format --query --output",
    ),
    "aws ecr describe-repositories": (
        AWS + "ecr/describe-repositories.html",
        "--repository-names --query --output",
    ),
    "aws ecr batch-get-image": (
        AWS + "ecr/batch-get-image.html",
        "--repository-name --image-ids --query --output",
    ),
    "aws ecr get-login-password": (AWS + "ecr/get-login-password.html", ""),
    "curl": (
        "https://curl.se/docs/manpage.html",
        "--config --fail --fail-with-body --silent --show-error --location --retry --output "
        "--form --header --upload-file",
    ),
}
_HEREDOC = re.compile(r"<<'(\w+)'\n.*?^\1$", re.MULTILINE | re.DOTALL)
COMMANDS = [
    pytest.param(command, id=f"{name}-{number}")
    for name, action in ACTIONS.items()
    for number, command in enumerate(commands(action))
]


def tool_calls(command: str) -> list[list[str]]:
    """Return the words of each call of a documented tool in a command, up to its end."""
    calls = []
    text = _HEREDOC.sub("", command).replace("./mvnw", "mvn").replace("./gradlew", "gradle")
    text = text.replace("'./my service/mvnw'", "mvn").replace("./service/gradlew", "gradle")
    for beginning in DOCUMENTED:
        for found in re.finditer(rf"(?<![\w./-]){re.escape(beginning)}(?![\w.-])", text):
            line = text[found.start() :].split("\n")[0].removesuffix("' EXIT")
            lexer = shlex.shlex(line, punctuation_chars="|&;<>()")
            lexer.whitespace_split = True
            words = []
            for word in lexer:
                if word in ("|", "&&", "||", ";", ")", "<", ">"):
                    break
                words.append(word.strip("'\""))
            calls.append([beginning, *words])
    return calls


@pytest.mark.parametrize("name", ACTIONS)
def test_only_documented_options_are_used(name: str) -> None:
    called = [call for command in commands(ACTIONS[name]) for call in tool_calls(command)]
    assert called
    for beginning, *words in called:
        address, options = DOCUMENTED[beginning]
        used = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
        assert used <= set(options.split()), f"{beginning}: see {address}"


def test_each_documented_command_is_one_that_an_action_runs() -> None:
    called = {
        call[0]
        for action in ACTIONS.values()
        for command in commands(action)
        for call in tool_calls(command)
    }
    assert called == set(DOCUMENTED)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_the_shell_takes_the_command(shell: str, command: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on this machine")
    done = subprocess.run([shell, "-n"], input=command, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_downloaded_is_pinned_and_checked(command: str) -> None:
    assert not re.search(r"(curl|wget)[^|\n]*\|\s*(ba|da|z)?sh\b", command)
    assert "latest" not in _HEREDOC.sub("", command)
    for line in command.splitlines():
        if line.lstrip().startswith(("*) url=", "Linux-", "Darwin-")):
            assert re.search(r" sha256=[0-9a-f]{64} ;;$", line), line
    for module in re.findall(r"go install (\S+)", command):
        assert re.fullmatch(r"\S+@v\d+\.\d+\.\d+", module)
    if "pip install" in command:
        assert "--require-hashes" in command


@pytest.mark.parametrize("name", ACTIONS)
def test_a_secret_is_a_reference_and_on_no_command_line(name: str) -> None:
    action = ACTIONS[name].to_build_action()
    for command in (*action.install, *action.commands):
        for line in command.splitlines():
            for variable in action.secrets:
                # The shell's own printf writes to a pipe or a file: no process has it as argument.
                assert f"${variable}" not in line or line.lstrip().startswith("printf "), line
    assert all(value in (KEY, TOKEN) for value in action.secrets.values())


def test_actions_that_publish_are_the_publishing_ones() -> None:
    assert {
        type(action).__name__ for action in ACTIONS.values() if action.to_build_action().publishes
    } == {"ArtifactoryPublish", "CodeArtifactPublish", "EcrPush", "NexusPublish"}


def test_what_each_action_meets_and_how_it_is_named() -> None:
    found = {}
    for action in ACTIONS.values():
        built = action.to_build_action()
        found[type(action).__name__] = (built.name, [each.value for each in built.meets])
    assert found == {
        "ArtifactoryPublish": ("Publish", ["DPRA-BUILD-PACKAGE"]),
        "BlackDuck": ("Sca", ["DPRA-BUILD-SCA"]),
        "CheckmarxOne": ("Sast", ["DPRA-BUILD-SAST"]),
        "Checkstyle": ("CodeQuality", ["DPRA-BUILD-QUALITY"]),
        "CodeArtifactPublish": ("Publish", ["DPRA-BUILD-PACKAGE"]),
        "Docker": ("Package", ["DPRA-BUILD-CODE"]),
        "Dotnet": ("Package", ["DPRA-BUILD-CODE"]),
        "EcrPush": ("Publish", ["DPRA-BUILD-PACKAGE"]),
        "Gitleaks": ("Secrets", ["DPRA-BUILD-SECRETS"]),
        "Go": ("Package", ["DPRA-BUILD-CODE"]),
        "GoTest": ("UnitTests", ["DPRA-BUILD-UNIT-TESTS"]),
        "Gradle": ("Package", ["DPRA-BUILD-CODE"]),
        "JUnit": ("UnitTests", ["DPRA-BUILD-UNIT-TESTS"]),
        "Maven": ("Package", ["DPRA-BUILD-CODE"]),
        "NexusPublish": ("Publish", ["DPRA-BUILD-PACKAGE"]),
        "OwaspDependencyCheck": ("Sca", ["DPRA-BUILD-SCA"]),
        "Syft": ("Sbom", ["DPRA-BUILD-SBOM"]),
        "Trivy": ("Sca", ["DPRA-BUILD-SCA"]),
        "TrivySbom": ("Sbom", ["DPRA-BUILD-SBOM"]),
    }


def test_reports_are_in_formats_of_code_build() -> None:
    def formats(action: BuildAction) -> list[tuple[str, str]]:
        return [(report.name, report.format) for report in action.reports]

    assert formats(ACTIONS["junit by maven"].to_build_action()) == [
        ("unit-tests", "JUNITXML"),
        ("coverage", "JACOCOXML"),
    ]
    assert formats(ACTIONS["go test"].to_build_action()) == [
        ("unit-tests", "JUNITXML"),
        ("coverage", "COBERTURAXML"),
    ]
    assert formats(ACTIONS["trivy"].to_build_action()) == [("dependencies", "JUNITXML")]
    [report] = JUnit(directory="service", coverage=False).to_build_action().reports
    assert report.files == ("service/**/target/surefire-reports/TEST-*.xml",)


def test_every_pinned_download_is_known_for_the_build_images() -> None:
    for action in ACTIONS.values():
        if isinstance(action, DownloadedTool) and action.VERSION:
            assert {"*"} <= set(action.SHA256) or {"Linux-x86_64", "Linux-aarch64"} <= set(
                action.SHA256
            )
            assert set(action.SHA256) <= set(action.ADDRESSES)
            assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in action.SHA256.values())


def test_pinned_versions() -> None:
    assert (Trivy.VERSION, Syft.VERSION, Gitleaks.VERSION) == ("0.75.0", "1.54.0", "8.30.1")


def test_images_are_built_in_a_privileged_project() -> None:
    for action in (Docker(image="fruit"), EcrPush(repository="fruit")):
        project = action.to_build_action().project
        assert project is not None
        assert project.privileged
    own = CodeBuildProject(architecture="ARM_64", privileged=True)
    assert Docker(image="fruit", project=own).to_build_action().project is own


def test_a_go_program_for_another_platform() -> None:
    environment = Go(platform="linux/arm64").to_build_action().environment
    assert dict(environment) == {"GOFLAGS": "-mod=readonly", "GOOS": "linux", "GOARCH": "arm64"}


def test_publishing_roles_are_bound_to_the_place() -> None:
    ecr = ACTIONS["ecr"].to_build_action().permissions
    assert [(each.resources, each.reason) for each in ecr] == [
        (("arn:{partition}:ecr:{region}:{account}:repository/acme/fruit",), ""),
        (("*",), "ecr:GetAuthorizationToken knows no resources"),
    ]
    arn = "arn:{partition}:codeartifact:{region}:555555555555:"
    code_artifact = ACTIONS["npm to codeartifact"].to_build_action().permissions
    assert [(each.actions, each.resources) for each in code_artifact] == [
        (("codeartifact:GetAuthorizationToken",), (arn + "domain/acme",)),
        (
            ("codeartifact:GetRepositoryEndpoint", "codeartifact:ReadFromRepository"),
            (arn + "repository/acme/releases",),
        ),
        (
            ("codeartifact:PublishPackageVersion", "codeartifact:PutPackageMetadata"),
            (
                arn + "package/acme/releases/npm//fruit-api",
                arn + "package/acme/releases/npm/com.acme/fruit",
            ),
        ),
        (("sts:GetServiceBearerToken",), ("*",)),
    ]
    assert [dict(each.conditions) for each in code_artifact[:3]] == [{}, {}, {}]
    assert {operator: dict(keys) for operator, keys in code_artifact[3].conditions.items()} == {
        "StringEquals": {"sts:AWSServiceName": ("codeartifact.amazonaws.com",)}
    }


def test_inspector_scan_is_configured_as_code_pipeline_documents_it() -> None:
    # https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-InspectorScan.html
    action = InspectorCodeSecurity(name="Inspector", input="dist", critical=0, high=1, low=20)
    assert dict(action.configuration()) == {
        "InspectorRunMode": "SourceCodeScan",
        "CriticalThreshold": "0",
        "HighThreshold": "1",
        "LowThreshold": "20",
    }
    assert (action.inputs, action.outputs) == (("dist",), ("inspector-sbom",))
    assert action.meets == (Requirement.BUILD_SCA,)
    group = "arn:{partition}:logs:{region}:{account}:log-group:/aws/codepipeline/fruit-api"
    assert [each.resources for each in action.permissions("fruit-api")] == [
        ("*",),
        (group, f"{group}:*"),
    ]

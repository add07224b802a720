# mypy: disable-error-code="arg-type, dict-item, list-item, call-arg"
"""Wrong arguments of the other actions are refused at once, in words that say what to do."""

from collections.abc import Callable
from dataclasses import fields

import pytest

from dpra_constructs import InvalidArgumentError
from dpra_constructs.build_actions import CodeBuildProject
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
from dpra_constructs.build_actions.inspector_code_security import InspectorCodeSecurity
from dpra_constructs.build_actions.junit import JUnit
from dpra_constructs.build_actions.maven import Maven
from dpra_constructs.build_actions.nexus_publish import NexusPublish
from dpra_constructs.build_actions.owasp_dependency_check import OwaspDependencyCheck
from dpra_constructs.build_actions.pushed_image import pushed_image
from dpra_constructs.build_actions.syft import Syft
from dpra_constructs.build_actions.trivy import Trivy
from dpra_constructs.build_actions.trivy_sbom import TrivySbom
from dpra_constructs.build_actions.typed_action import TypedAction
from tests.build_actions.other_actions import ACTIONS, HASH, KEY

NEXUS = {
    "url": "https://nexus.acme.example",
    "repository": "r",
    "format": "pypi",
    "files": ["dist/*"],
    "username": KEY,
    "password": KEY,
}
ARTIFACTORY = {
    "url": "https://acme.jfrog.io/artifactory",
    "repository": "r",
    "files": ["a"],
    "token": KEY,
}
CODE_ARTIFACT = {
    "domain": "acme",
    "repository": "releases",
    "format": "npm",
    "files": ["a"],
    "packages": ["fruit"],
}
CHECKMARX = {"project_name": "fruit", "api_key": KEY}
BLACK_DUCK = {
    "url": "https://blackduck.acme.example",
    "api_token": KEY,
    "project_name": "fruit",
    "version": "11.4.2",
    "sha256": {"*": HASH},
}
PLAIN = (
    " is a plain value of type str, which would stand in the template, and a reference to a secret "
    'is needed; keep it in Secrets Manager and write {0}=SecretsManagerSecret("acme/tools", '
    'json_key="token"), or in Parameter Store and write SecureParameter("/acme/token")'
)
SLASHES = (
    " is not a path inside the repository with forward slashes; write it relative to the "
    "repository's root, like 'tests/unit'"
)
RUNTIME = ' is not a runtime version of the image; write it like {0}="corretto21"'
FLAG = " is not True or False; write {0}=True or {0}=False"

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "maven directory": (
        lambda: Maven(directory="/src"),
        "Maven \"Package\": directory='/src'" + SLASHES,
    ),
    "maven goals": (
        lambda: Maven(goals=[]),
        'Maven "Package": goals is empty; give goals at least one',
    ),
    "maven profiles": (
        lambda: Maven(profiles="release"),
        "Maven \"Package\": profiles='release' is not a sequence of texts; write it as a list: "
        "profiles=[...]",
    ),
    "maven settings": (
        lambda: Maven(settings="~/.m2/settings.xml"),
        "Maven \"Package\": settings='~/.m2/settings.xml'" + SLASHES,
    ),
    "maven skip_tests": (
        lambda: Maven(skip_tests="no"),
        "Maven \"Package\": skip_tests='no'" + FLAG.format("skip_tests"),
    ),
    "maven wrapper": (
        lambda: Maven(wrapper=1),
        'Maven "Package": wrapper=1' + FLAG.format("wrapper"),
    ),
    "maven java": (
        lambda: Maven(java="latest"),
        "Maven \"Package\": java='latest'" + RUNTIME.format("java"),
    ),
    "maven outputs": (
        lambda: Maven(outputs=["target"]),
        "BuildAction \"Package\": outputs=['target'] is not a mapping of names to directories; "
        'write it like outputs={"dist": "dist"}',
    ),
    "gradle tasks": (
        lambda: Gradle(tasks=()),
        'Gradle "Package": tasks is empty; give tasks at least one',
    ),
    "gradle java": (
        lambda: Gradle(java=21),
        'Gradle "Package": java=21' + RUNTIME.format("java"),
    ),
    "go packages": (
        lambda: Go(packages=["../other"]),
        "Go \"Package\": packages='../other'" + SLASHES,
    ),
    "go output": (
        lambda: Go(output="bin/x"),
        "Go \"Package\": output='bin/x' is not a name of 1 to 40 letters, digits and hyphens, "
        'beginning with a letter; write it like output="sbom"',
    ),
    "go platform": (
        lambda: Go(platform="arm64"),
        'Go "Package": platform=\'arm64\' is not OS/ARCH; write it like platform="linux/arm64"',
    ),
    "dotnet configuration": (
        lambda: Dotnet(configuration="Release x"),
        "Dotnet \"Package\": configuration='Release x' is not a configuration; write it like "
        'configuration="Release"',
    ),
    "dotnet locked": (
        lambda: Dotnet(locked=None),
        'Dotnet "Package": locked=None' + FLAG.format("locked"),
    ),
    "docker image": (
        lambda: Docker(image="Fruit"),
        "Docker \"Package\": image='Fruit' is not the name of an image repository: 2 to 256 small "
        'letters, digits and / . _ -; write it like image="acme/fruit"',
    ),
    "docker build argument that is a secret": (
        lambda: Docker(image="fruit", build_arguments={"NPM_TOKEN": "x"}),
        'Docker "Package": build_arguments has NPM_TOKEN, which by its name is a secret, and these '
        'values stand in the template; refer to it: secrets={"NPM_TOKEN": '
        'SecretsManagerSecret("acme/tools", json_key="token")}',
    ),
    "docker target": (
        lambda: Docker(image="fruit", target="a b"),
        "Docker \"Package\": target='a b' is not the name of a build stage; write it like "
        'target="runtime"',
    ),
    "docker platform": (
        lambda: Docker(image="fruit", platform="linux"),
        'Docker "Package": platform=\'linux\' is not OS/ARCH; write it like platform="linux/arm64"',
    ),
    "docker in a project without a daemon": (
        lambda: Docker(image="fruit", project=CodeBuildProject()),
        'Docker "Package": project is not privileged, and an image is built with Docker\'s daemon; '
        "write project=CodeBuildProject(privileged=True, ...)",
    ),
    "junit build tool": (
        lambda: JUnit(build_tool="ant"),
        "JUnit \"UnitTests\": build_tool='ant' is not one of gradle, maven; choose one of them for "
        "build_tool",
    ),
    "junit minimum without coverage": (
        lambda: JUnit(coverage=False, minimum_coverage_percent=80),
        'JUnit "UnitTests": minimum_coverage_percent=80 is given, and coverage is not measured; '
        "write coverage=True",
    ),
    "junit minimum": (
        lambda: JUnit(minimum_coverage_percent=101),
        'JUnit "UnitTests": minimum_coverage_percent=101 is not a whole number from 1 to 100; '
        "write "
        "it like minimum_coverage_percent=80",
    ),
    "go test minimum without coverage": (
        lambda: GoTest(coverage=False, minimum_coverage_percent=80),
        'GoTest "UnitTests": minimum_coverage_percent=80 is given, and coverage is not measured; '
        "write coverage=True",
    ),
    "go test race": (
        lambda: GoTest(race="yes"),
        "GoTest \"UnitTests\": race='yes'" + FLAG.format("race"),
    ),
    "checkstyle configuration": (
        lambda: Checkstyle(configuration="/other.xml"),
        "Checkstyle \"CodeQuality\": configuration='/other.xml'" + SLASHES,
    ),
    "checkstyle fail_on": (
        lambda: Checkstyle(fail_on="info"),
        "Checkstyle \"CodeQuality\": fail_on='info' is not one of error, warning; choose one of "
        "them for fail_on",
    ),
    "version without hashes": (
        lambda: Syft(version="1.60.0"),
        'Syft "Sbom": version is given, and sha256 is not; give both: the version, and the SHA-256 '
        "that its publisher states",
    ),
    "hashes without version": (
        lambda: Syft(sha256={"Linux-x86_64": HASH}),
        'Syft "Sbom": sha256 is given, and version is not; give both: the version, and the SHA-256 '
        "that its publisher states",
    ),
    "version that moves": (
        lambda: Gitleaks(version="latest", sha256={"Linux-x86_64": HASH}),
        'Gitleaks "Secrets": version=\'latest\' is not a version; write it like version="1.54.0"',
    ),
    "hash that is none": (
        lambda: Gitleaks(version="8.30.1", sha256={"Linux-x86_64": "abc"}),
        "Gitleaks \"Secrets\": sha256['Linux-x86_64']='abc' is not a SHA-256: 64 digits of 0-9 "
        "a-f; "
        "copy it from the checksums that the publisher states",
    ),
    "hash of an unknown platform": (
        lambda: Checkstyle(version="14.3.0", sha256={"Linux-x86_64": HASH}),
        "Checkstyle \"CodeQuality\": sha256 has 'Linux-x86_64', and the tool is not known for that "
        "platform; choose of *",
    ),
    "hash as text": (
        lambda: Gitleaks(version="8.30.1", sha256=HASH),
        'Gitleaks "Secrets": sha256=\'00000000000000000000000000000000000000000000000000000000... '
        'is not a mapping of platforms to hashes; write it like sha256={"Linux-x86_64": "..."}',
    ),
    "a malicious trivy": (
        lambda: Trivy(version="0.69.4", sha256={"Linux-x86_64": HASH}),
        "Trivy \"Sca\": version='0.69.4' is one of 0.69.4, 0.69.5, 0.69.6, which an attacker "
        "published; take a newer one, or leave version and sha256 out",
    ),
    "a malicious trivy for images": (
        lambda: EcrPush(
            repository="fruit", scan=Trivy(version="0.69.6", sha256={"Linux-x86_64": HASH})
        ),
        "Trivy \"Sca\": version='0.69.6' is one of 0.69.4, 0.69.5, 0.69.6, which an attacker "
        "published; take a newer one, or leave version and sha256 out",
    ),
    "black duck without a version": (
        lambda: BlackDuck(**BLACK_DUCK | {"version": None, "sha256": {}}),
        'BlackDuck "Sca": version and sha256 are missing, and this library pins no detect, as no '
        'hash by its publisher was found; give both, like version="1.2.3", sha256={"*": "..."}',
    ),
    "black duck token": (
        lambda: BlackDuck(**BLACK_DUCK | {"api_token": "a plain token"}),
        'BlackDuck "Sca": api_token' + PLAIN.format("api_token"),
    ),
    "black duck url": (
        lambda: BlackDuck(**BLACK_DUCK | {"url": "http://blackduck.acme.example"}),
        "BlackDuck \"Sca\": url='http://blackduck.acme.example' is not an address that begins with "
        "https://, without user, query and spaces; write it like "
        'url="https://blackduck.acme.example"',
    ),
    "black duck severities": (
        lambda: BlackDuck(**BLACK_DUCK | {"fail_on": ["HIGH"]}),
        "BlackDuck \"Sca\": fail_on='HIGH' is not one of ALL, BLOCKER, CRITICAL, MAJOR, MINOR, "
        "TRIVIAL, UNSPECIFIED; choose one of them for fail_on",
    ),
    "black duck tools twice": (
        lambda: BlackDuck(**BLACK_DUCK | {"tools": ["DETECTOR", "DETECTOR"]}),
        'BlackDuck "Sca": tools has DETECTOR more than once; keep one of each',
    ),
    "gitleaks history": (
        lambda: Gitleaks(history="all"),
        "Gitleaks \"Secrets\": history='all'" + FLAG.format("history"),
    ),
    "gitleaks baseline": (
        lambda: Gitleaks(baseline="../b.json"),
        "Gitleaks \"Secrets\": baseline='../b.json'" + SLASHES,
    ),
    "checkmarx key": (
        lambda: CheckmarxOne(**CHECKMARX | {"api_key": "a plain key"}),
        'CheckmarxOne "Sast": api_key' + PLAIN.format("api_key"),
    ),
    "checkmarx project": (
        lambda: CheckmarxOne(**CHECKMARX | {"project_name": " "}),
        "CheckmarxOne \"Sast\": project_name=' ' is not a text that says something; give "
        "project_name a text",
    ),
    "checkmarx scan types": (
        lambda: CheckmarxOne(**CHECKMARX, scan_types=["dast"]),
        "CheckmarxOne \"Sast\": scan_types='dast' is not one of api-security, containers, "
        "iac-security, sast, sca, scs; choose one of them for scan_types",
    ),
    "checkmarx without threshold": (
        lambda: CheckmarxOne(**CHECKMARX, threshold={}),
        'CheckmarxOne "Sast": threshold={} is not a mapping with at least one limit; write it like '
        'threshold={"sast-high": 1}',
    ),
    "checkmarx threshold of nothing": (
        lambda: CheckmarxOne(**CHECKMARX, threshold={"high": 1}),
        "CheckmarxOne \"Sast\": threshold has 'high', which is not an engine and a severity; write "
        'it like threshold={"sast-high": 1}',
    ),
    "checkmarx threshold of none": (
        lambda: CheckmarxOne(**CHECKMARX, threshold={"sast-high": 0}),
        "CheckmarxOne \"Sast\": threshold['sast-high']=0 is not a whole number from 1 to 100000; "
        "write it like threshold['sast-high']=80",
    ),
    "trivy fail_on": (
        lambda: Trivy(fail_on="HIGH"),
        "Trivy \"Sca\": fail_on='HIGH' is not one of critical, high, low, medium; choose one of "
        "them for fail_on",
    ),
    "trivy path": (lambda: Trivy(path="/"), "Trivy \"Sca\": path='/'" + SLASHES),
    "trivy formats": (
        lambda: TrivySbom(formats=["json"]),
        "TrivySbom \"Sbom\": formats='json' is not one of cyclonedx, spdx; choose one of them for "
        "formats",
    ),
    "syft formats": (
        lambda: Syft(formats=[]),
        'Syft "Sbom": formats is empty; give formats at least one',
    ),
    "syft subject": (
        lambda: Syft(subject=""),
        "Syft \"Sbom\": subject='' is not a text that says something; give subject a text",
    ),
    "dependency-check score": (
        lambda: OwaspDependencyCheck(fail_on_cvss=11),
        'OwaspDependencyCheck "Sca": fail_on_cvss=11 is not a number from 0 to 10; write it like '
        "fail_on_cvss=7",
    ),
    "dependency-check score that is no number": (
        lambda: OwaspDependencyCheck(fail_on_cvss=float("nan")),
        'OwaspDependencyCheck "Sca": fail_on_cvss=nan is not a number from 0 to 10; write it like '
        "fail_on_cvss=7",
    ),
    "dependency-check key": (
        lambda: OwaspDependencyCheck(nvd_api_key="a plain key"),
        'OwaspDependencyCheck "Sca": nvd_api_key' + PLAIN.format("nvd_api_key"),
    ),
    "dependency-check feed": (
        lambda: OwaspDependencyCheck(nvd_data_feed="http://nvd.acme.example/"),
        "OwaspDependencyCheck \"Sca\": nvd_data_feed='http://nvd.acme.example/' is not the https "
        "address of a mirror; write it like "
        'nvd_data_feed="https://nvd.acme.example/nvdcve-{0}.json.gz"',
    ),
    "codeartifact domain": (
        lambda: CodeArtifactPublish(**CODE_ARTIFACT | {"domain": "Acme"}),
        "CodeArtifactPublish \"Publish\": domain='Acme' is not a domain: 2 to 50 small letters, "
        'digits and hyphens; write it like domain="acme"',
    ),
    "codeartifact repository": (
        lambda: CodeArtifactPublish(**CODE_ARTIFACT | {"repository": "a/b"}),
        "CodeArtifactPublish \"Publish\": repository='a/b' is not a repository: 2 to 100 letters, "
        'digits and . _ -; write it like repository="releases"',
    ),
    "codeartifact format": (
        lambda: CodeArtifactPublish(**CODE_ARTIFACT | {"format": "pip"}),
        "CodeArtifactPublish \"Publish\": format='pip' is not one of maven, npm, pypi; choose one "
        "of them for format",
    ),
    "codeartifact files": (
        lambda: CodeArtifactPublish(**CODE_ARTIFACT | {"files": ["dist/$(id)"]}),
        "CodeArtifactPublish \"Publish\": files has 'dist/$(id)', which is not a pattern of "
        'letters, digits and _ . / * ? @ + -; write it like files=["dist/*.whl"]',
    ),
    "codeartifact files that look like an option": (
        lambda: CodeArtifactPublish(**CODE_ARTIFACT | {"files": ["--help"]}),
        "CodeArtifactPublish \"Publish\": files has '--help', which is not a pattern of letters, "
        'digits and _ . / * ? @ + -; write it like files=["dist/*.whl"]',
    ),
    "codeartifact packages": (
        lambda: CodeArtifactPublish(**CODE_ARTIFACT | {"packages": ["*"]}),
        "CodeArtifactPublish \"Publish\": packages has '*', which is not the name of a package; "
        "write it like fruit-api, or with its scope or group like acme/fruit-api (without @) or "
        "com.acme/fruit-api",
    ),
    "codeartifact owner": (
        lambda: CodeArtifactPublish(**CODE_ARTIFACT, domain_owner="5555"),
        "CodeArtifactPublish \"Publish\": domain_owner='5555' is not an AWS account id, which is "
        'twelve digits as text; write it like domain_owner="111111111111"',
    ),
    "ecr repository": (
        lambda: EcrPush(repository="acme/"),
        "EcrPush \"Publish\": repository='acme/' is not the name of an image repository: 2 to 256 "
        'small letters, digits and / . _ -; write it like repository="acme/fruit"',
    ),
    "ecr signing profile": (
        lambda: EcrPush(repository="fruit", signing_profile="arn:aws:signer"),
        "EcrPush \"Publish\": signing_profile='arn:aws:signer' is not the name of a signing "
        "profile: 2 to 64 letters, digits and _; write it like "
        'signing_profile="dpra_images_1"',
    ),
    "ecr scan": (
        lambda: EcrPush(repository="fruit", scan=None),
        'EcrPush "Publish": scan=None is of type NoneType, and Trivy is needed; write it like '
        'scan=Trivy(fail_on="high")',
    ),
    "ecr in a project without a daemon": (
        lambda: EcrPush(repository="fruit", project=CodeBuildProject()),
        'EcrPush "Publish": project is not privileged, and an image is built with Docker\'s '
        "daemon; "
        "write project=CodeBuildProject(privileged=True, ...)",
    ),
    "nexus url with a user": (
        lambda: NexusPublish(**NEXUS | {"url": "https://a:b@nexus.acme.example"}),
        'NexusPublish "Publish": url holds credentials, which would stand in the template; write '
        'it like url="https://nexus.acme.example"',
    ),
    "nexus url with a query": (
        lambda: NexusPublish(**NEXUS | {"url": "https://nexus.acme.example/?a=b"}),
        "NexusPublish \"Publish\": url='https://nexus.acme.example/?a=b' is not an address that "
        "begins with https://, without user, query and spaces; write it like "
        'url="https://nexus.acme.example"',
    ),
    "nexus password": (
        lambda: NexusPublish(**NEXUS | {"password": "a plain password"}),
        'NexusPublish "Publish": password' + PLAIN.format("password"),
    ),
    "nexus raw without directory": (
        lambda: NexusPublish(**NEXUS | {"format": "raw"}),
        "NexusPublish \"Publish\": format='raw' and directory=None do not go together; give a "
        'directory for raw, like directory="fruit/1.0", and none for the others',
    ),
    "nexus directory": (
        lambda: NexusPublish(**NEXUS | {"format": "raw"}, directory="a b"),
        "NexusPublish \"Publish\": directory='a b' is not a path of letters, digits and . _ -; "
        'write it like directory="com/acme/fruit"',
    ),
    "artifactory token": (
        lambda: ArtifactoryPublish(**ARTIFACTORY | {"token": "a plain token"}),
        'ArtifactoryPublish "Publish": token' + PLAIN.format("token"),
    ),
    "artifactory repository": (
        lambda: ArtifactoryPublish(**ARTIFACTORY | {"repository": "a?b"}),
        "ArtifactoryPublish \"Publish\": repository='a?b' is not a path of letters, digits and . _ "
        '-; write it like repository="com/acme/fruit"',
    ),
    "artifactory directory that leaves it": (
        lambda: ArtifactoryPublish(**ARTIFACTORY, directory="../x"),
        "ArtifactoryPublish \"Publish\": directory='../x'" + SLASHES,
    ),
    "inspector name": (
        lambda: InspectorCodeSecurity(name="my scan", input="dist"),
        "InspectorCodeSecurity \"my scan\": name='my scan' is not a valid name: 1 to 40 letters, "
        "digits and hyphens, beginning with a letter; choose another name, like 'one-box'",
    ),
    "inspector input": (
        lambda: InspectorCodeSecurity(input="dist/x"),
        "InspectorCodeSecurity \"Sca\": input='dist/x' is not a valid name: 1 to 40 letters, "
        "digits "
        "and hyphens, beginning with a letter; choose another name, like 'one-box'",
    ),
    "inspector input as output": (
        lambda: InspectorCodeSecurity(input="dist", output="dist"),
        "InspectorCodeSecurity \"Sca\": input and output are both 'dist'; rename the output",
    ),
    "inspector limit": (
        lambda: InspectorCodeSecurity(input="dist", high=-1),
        'InspectorCodeSecurity "Sca": high=-1 is not a whole number from 0 to 100000; write it '
        "like "
        "high=80",
    ),
    "inspector without limits": (
        lambda: InspectorCodeSecurity(input="dist", critical=None, high=None),
        'InspectorCodeSecurity "Sca": critical, high, medium and low are all None, so that no '
        "finding would fail it; give at least one limit, like critical=0",
    ),
    "pushed image is no JSON": (
        lambda: pushed_image("{"),
        "pushed_image: text is not JSON: Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1); give the content of image.json, which EcrPush writes into its output",
    ),
    "pushed image is another JSON": (
        lambda: pushed_image("[]"),
        "pushed_image: text has not exactly repository, digest and uri; give the content of "
        "image.json, which EcrPush writes into its output",
    ),
    "pushed image by tag": (
        lambda: pushed_image('{"repository": "fruit", "digest": "v1", "uri": "x/fruit:v1"}'),
        "pushed_image: digest='v1' is not sha256: and 64 digits of 0-9 a-f; give the content of "
        "image.json, which EcrPush writes into its output",
    ),
    "pushed image with another address": (
        lambda: pushed_image(
            f'{{"repository": "fruit", "digest": "sha256:{HASH}", "uri": "x/peel@sha256:{HASH}"}}'
        ),
        f"pushed_image: uri='x/peel@sha256:{HASH}' does not end with /fruit@sha256:{HASH}; give "
        "the "
        "content of image.json, which EcrPush writes into its output",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InvalidArgumentError) as caught:
        make()
    assert str(caught.value) == message
    assert "a plain" not in message.replace("is a plain value", "")


def _optional_arguments() -> list[tuple[type[TypedAction], str]]:
    kinds = {type(action): action for action in ACTIONS.values()}
    return [
        (kind, each.name)
        for kind in kinds
        for each in fields(kind)
        if each.name not in ("name", "outputs")
    ]


@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        pytest.param(kind, argument, id=f"{kind.__name__}-{argument}")
        for kind, argument in _optional_arguments()
    ],
)
def test_every_argument_is_checked_and_named(kind: type[TypedAction], argument: str) -> None:
    given = next(action for action in ACTIONS.values() if type(action) is kind)
    values = {each.name: getattr(given, each.name) for each in fields(kind)}
    with pytest.raises(InvalidArgumentError, match=rf"\b{argument}\b"):
        kind(**values | {argument: object()})

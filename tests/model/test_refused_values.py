# mypy: disable-error-code="arg-type, dict-item, list-item"
"""What a caller writes wrong is refused at once, in words that say what to do."""

from collections.abc import Callable

import pytest
from aws_cdk import Duration, Token

from dpra_constructs import (
    DeploymentEnvironment,
    InvalidArgumentError,
    ManualApproval,
    Requirement,
    Wave,
)
from dpra_constructs.build_actions import BuildAction, CdkSynth, Pytest, PythonBuild, Report, Ruff
from dpra_constructs.requirements import checked_waivers
from dpra_constructs.source import Bitbucket, CodeCommit, GitHub, GitLab, S3Source, SourceLayout
from dpra_constructs.test_actions import AcceptanceTest, IntegrationTest

BETA = "222222222222"
CONNECTION = "arn:aws:codeconnections:us-west-2:111111111111:connection/1c2d3e4f"

Refused = dict[str, tuple[Callable[[], object], str]]

REFUSED: Refused = {
    "account is a number": (
        lambda: DeploymentEnvironment("beta", account=222222222222, regions=["us-west-2"]),
        'DeploymentEnvironment "beta": account=222222222222 is not an AWS account id, '
        "which is twelve digits as text (quote it: a number loses leading zeros); write "
        'it like account="111111111111"',
    ),
    "account is too short": (
        lambda: DeploymentEnvironment("beta", account="2222", regions=["us-west-2"]),
        "DeploymentEnvironment \"beta\": account='2222' is not an AWS account id, which is "
        'twelve digits as text; write it like account="111111111111"',
    ),
    "account with hyphens": (
        lambda: DeploymentEnvironment("beta", account="2222-2222-2222", regions=["us-west-2"]),
        "DeploymentEnvironment \"beta\": account='2222-2222-2222' is not an AWS account id,"
        ' which is twelve digits as text; write it like account="111111111111"',
    ),
    "regions is one text": (
        lambda: DeploymentEnvironment("beta", account=BETA, regions="us-west-2"),
        "DeploymentEnvironment \"beta\": regions='us-west-2' is not a sequence of texts; "
        "write it as a list: regions=[...]",
    ),
    "region is not a name": (
        lambda: DeploymentEnvironment("beta", account=BETA, regions=["Oregon"]),
        "DeploymentEnvironment \"beta\": regions='Oregon' is not the name of an AWS region;"
        ' write it like "eu-central-1"',
    ),
    "availability zone as region": (
        lambda: DeploymentEnvironment("beta", account=BETA, regions=["us-west-2a"]),
        "DeploymentEnvironment \"beta\": regions='us-west-2a' is not the name of an AWS "
        'region; write it like "eu-central-1"',
    ),
    "region stands twice": (
        lambda: DeploymentEnvironment("beta", account=BETA, regions=["us-west-2", "us-west-2"]),
        'DeploymentEnvironment "beta": regions has us-west-2 more than once; keep one of each',
    ),
    "environment name with a space": (
        lambda: DeploymentEnvironment("my beta", account=BETA, regions=["us-west-2"]),
        "DeploymentEnvironment \"my beta\": name='my beta' is not a valid name: 1 to 40 "
        "letters, digits and hyphens, beginning with a letter; choose another name, like "
        "'one-box'",
    ),
    "environment name too long": (
        lambda: DeploymentEnvironment("b" * 41, account=BETA),
        'DeploymentEnvironment "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": '
        "name='bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' is not a valid name: 1 to 40 "
        "letters, digits and hyphens, beginning with a letter; choose another name, like "
        "'one-box'",
    ),
    "configuration is no mapping": (
        lambda: DeploymentEnvironment("beta", account=BETA, configuration=["DEBUG"]),
        "DeploymentEnvironment \"beta\": configuration=['DEBUG'] is not a mapping of names "
        'to texts; write it like configuration={"LOG_LEVEL": "INFO"}',
    ),
    "configuration value is a number": (
        lambda: DeploymentEnvironment("beta", account=BETA, configuration={"LIMIT": 5}),
        "DeploymentEnvironment \"beta\": configuration['LIMIT']=5 is not text; write it as "
        "text: '5'",
    ),
    "configuration key is no variable": (
        lambda: DeploymentEnvironment("beta", account=BETA, configuration={"log-level": "INFO"}),
        "DeploymentEnvironment \"beta\": configuration has the key 'log-level', which is "
        "not the name of an environment variable: letters, digits and underscores, not "
        "beginning with a digit; rename it",
    ),
    "region configuration is no mapping": (
        lambda: DeploymentEnvironment("beta", account=BETA, region_configuration="x"),
        "DeploymentEnvironment \"beta\": region_configuration='x' is not a mapping of "
        'regions; write it like region_configuration={"eu-central-1": {"LOG_LEVEL": '
        '"INFO"}}',
    ),
    "region configuration for a wrong name": (
        lambda: DeploymentEnvironment("beta", account=BETA, region_configuration={"Frankfurt": {}}),
        "DeploymentEnvironment \"beta\": region_configuration='Frankfurt' is not the name "
        'of an AWS region; write it like "eu-central-1"',
    ),
    "region configuration elsewhere": (
        lambda: DeploymentEnvironment(
            "beta", account=BETA, regions=["us-west-2"], region_configuration={"eu-west-1": {}}
        ),
        'DeploymentEnvironment "beta": region_configuration has eu-west-1, which regions '
        "has not; remove it, or add the region to regions",
    ),
    "wave without regions": (
        lambda: Wave("one-box", []),
        'Wave "one-box": regions is empty; name at least one region, like ["us-west-2"]',
    ),
    "wave name with an underscore": (
        lambda: Wave("one_box", ["us-west-2"]),
        "Wave \"one_box\": name='one_box' is not a valid name: 1 to 40 letters, digits and "
        "hyphens, beginning with a letter; choose another name, like 'one-box'",
    ),
    "wave region stands twice": (
        lambda: Wave("rest", ["us-east-1", "us-east-1"]),
        'Wave "rest": regions has us-east-1 more than once; keep one of each',
    ),
    "bake is a number": (
        lambda: Wave("rest", ["us-east-1"], bake=30),
        'Wave "rest": bake=30 is not a Duration; write it like bake=Duration.minutes(15)',
    ),
    "bake is not whole minutes": (
        lambda: Wave("rest", ["us-east-1"], bake=Duration.seconds(90)),
        'Wave "rest": bake=90 seconds is not whole minutes; write it like '
        "bake=Duration.minutes(15)",
    ),
    "bake is zero": (
        lambda: Wave("rest", ["us-east-1"], bake=Duration.minutes(0)),
        'Wave "rest": bake=0 minutes is not between 1 and 1380 minutes; write it like '
        "bake=Duration.minutes(15)",
    ),
    "bake is longer than the action": (
        lambda: Wave("rest", ["us-east-1"], bake=Duration.hours(24)),
        'Wave "rest": bake=1440 minutes is not between 1 and 1380 minutes; write it like '
        "bake=Duration.minutes(15)",
    ),
    "bake is a token": (
        lambda: Wave(
            "rest", ["us-east-1"], bake=Duration.minutes(Token.as_number({"Ref": "Minutes"}))
        ),
        'Wave "rest": bake is a Duration of a token, not known at synthesis; write it '
        "like bake=Duration.minutes(15)",
    ),
    "repository without owner": (
        lambda: GitHub("fruit-api", connection_arn=CONNECTION),
        "GitHub \"fruit-api\": name='fruit-api' is not owner and repository with a slash "
        'between; write it like "acme/fruit-api", without host and ".git"',
    ),
    "repository as address": (
        lambda: GitHub("https://github.com/acme/fruit-api", connection_arn=CONNECTION),
        'GitHub "https://github.com/acme/fruit-api": '
        "name='https://github.com/acme/fruit-api' is not owner and repository with a "
        'slash between; write it like "acme/fruit-api", without host and ".git"',
    ),
    "connection is a name": (
        lambda: GitHub("acme/fruit-api", connection_arn="my-connection"),
        "GitHub \"acme/fruit-api\": connection_arn='my-connection' is not the ARN of a "
        "connection; make one in the console (Developer Tools, Connections) and copy its "
        "ARN: arn:aws:codeconnections:REGION:ACCOUNT:connection/ID",
    ),
    "trunk is a pattern": (
        lambda: GitLab("acme/fruit-api", connection_arn=CONNECTION, trunk="release/*"),
        "GitLab \"acme/fruit-api\": trunk='release/*' is not the name of one branch "
        '(patterns are not: DPRA-SOURCE-TRUNK); name the branch, like trunk="main"',
    ),
    "trunk is empty": (
        lambda: Bitbucket("acme/fruit-api", connection_arn=CONNECTION, trunk=""),
        "Bitbucket \"acme/fruit-api\": trunk='' is not the name of one branch (patterns are"
        ' not: DPRA-SOURCE-TRUNK); name the branch, like trunk="main"',
    ),
    "too many path filters": (
        lambda: GitHub(
            "acme/fruit-api",
            connection_arn=CONNECTION,
            only_paths=[f"src/{n}/**" for n in range(9)],
        ),
        'GitHub "acme/fruit-api": only_paths has 9 patterns; CodePipeline takes 8; join '
        "some with a wider pattern, like 'src/**'",
    ),
    "path filter stands twice": (
        lambda: GitHub(
            "acme/fruit-api", connection_arn=CONNECTION, ignore_paths=["docs/**", "docs/**"]
        ),
        'GitHub "acme/fruit-api": ignore_paths has docs/** more than once; keep one of each',
    ),
    "path filter is one text": (
        lambda: GitHub("acme/fruit-api", connection_arn=CONNECTION, ignore_paths="docs/**"),
        "GitHub \"acme/fruit-api\": ignore_paths='docs/**' is not a sequence of texts; "
        "write it as a list: ignore_paths=[...]",
    ),
    "CodeCommit repository as address": (
        lambda: CodeCommit("ssh://git-codecommit/fruit"),
        "CodeCommit \"ssh://git-codecommit/fruit\": name='ssh://git-codecommit/fruit' is "
        "not the name of a CodeCommit repository: 1 to 100 letters, digits and . _ -; "
        'write it like "fruit-api", without URL or ARN',
    ),
    "CodeCommit trunk is a pattern": (
        lambda: CodeCommit("fruit-api", trunk="*"),
        "CodeCommit \"fruit-api\": trunk='*' is not the name of one branch (patterns are "
        'not: DPRA-SOURCE-TRUNK); name the branch, like trunk="main"',
    ),
    "bucket as address": (
        lambda: S3Source("s3://acme-source", object_key="source.zip"),
        "S3Source \"s3://acme-source\": bucket_name='s3://acme-source' is not the name of a"
        ' bucket; write it like "acme-source", without "s3://"',
    ),
    "source object is no zip": (
        lambda: S3Source("acme-source", object_key="source.tar.gz"),
        "S3Source \"acme-source\": object_key='source.tar.gz' is not a zip file, the only "
        'form CodePipeline takes; write it like "trunk/source.zip"',
    ),
    "source key is empty": (
        lambda: S3Source("acme-source", object_key=""),
        "S3Source \"acme-source\": object_key='' is not a text that says something; give "
        "object_key a text",
    ),
    "layout path leaves the repository": (
        lambda: SourceLayout(application=["../src"]),
        "SourceLayout: application='../src' is not a path inside the repository with "
        "forward slashes; write it relative to the repository's root, like 'tests/unit'",
    ),
    "layout path is absolute": (
        lambda: SourceLayout(tests=["/tests"]),
        "SourceLayout: tests='/tests' is not a path inside the repository with forward "
        "slashes; write it relative to the repository's root, like 'tests/unit'",
    ),
    "layout is one text": (
        lambda: SourceLayout(tests="tests"),
        "SourceLayout: tests='tests' is not a sequence of texts; write it as a list: tests=[...]",
    ),
    "layout path is empty": (
        lambda: SourceLayout(tests=[""]),
        "SourceLayout: tests='' is not a text that says something; give tests a text",
    ),
    "layout path stands twice": (
        lambda: SourceLayout(tests=["tests", "tests"]),
        "SourceLayout: tests has tests more than once; keep one of each",
    ),
    "build action without commands": (
        lambda: BuildAction("Lint", commands=[]),
        'BuildAction "Lint": commands is empty; say what to run, like commands=["make lint"]',
    ),
    "build action command is one text": (
        lambda: BuildAction("Lint", commands="make lint"),
        "BuildAction \"Lint\": commands='make lint' is not a sequence of texts; write it as"
        " a list: commands=[...]",
    ),
    "build action name with a slash": (
        lambda: BuildAction("Lint/Format", commands=["make lint"]),
        "BuildAction \"Lint/Format\": name='Lint/Format' is not a valid name: 1 to 40 "
        "letters, digits and hyphens, beginning with a letter; choose another name, like "
        "'one-box'",
    ),
    "build action environment is no text": (
        lambda: BuildAction("Lint", commands=["make lint"], environment={"CI": True}),
        "BuildAction \"Lint\": environment['CI']=True is not text; write it as text: 'True'",
    ),
    "build action output is no mapping": (
        lambda: BuildAction("Package", commands=["make"], outputs=["dist"]),
        "BuildAction \"Package\": outputs=['dist'] is not a mapping of names to "
        'directories; write it like outputs={"dist": "dist"}',
    ),
    "build action output leaves the repository": (
        lambda: BuildAction("Package", commands=["make"], outputs={"dist": "../dist"}),
        "BuildAction \"Package\": outputs['dist']='../dist' is not a path inside the "
        "repository with forward slashes; write it relative to the repository's root, "
        "like 'tests/unit'",
    ),
    "build action reports is no report": (
        lambda: BuildAction("Lint", commands=["make lint"], reports=["junit.xml"]),
        "BuildAction \"Lint\": reports=['junit.xml'] is not a sequence of Report; write it "
        'like reports=[Report("unit-tests", ["reports/junit.xml"])]',
    ),
    "build action report stands twice": (
        lambda: BuildAction(
            "Lint", commands=["make"], reports=[Report("a", ["a.xml"]), Report("a", ["b.xml"])]
        ),
        'BuildAction "Lint": reports has a more than once; keep one of each',
    ),
    "report format unknown": (
        lambda: Report("unit", ["junit.xml"], format="JUNIT"),
        "Report \"unit\": format='JUNIT' is not one of CLOVERXML, COBERTURAXML, "
        "CUCUMBERJSON, JACOCOXML, JUNITXML, NUNIT3XML, NUNITXML, SIMPLECOV, TESTNGXML, "
        "VISUALSTUDIOTRX; choose one of them for format",
    ),
    "report without files": (
        lambda: Report("unit", []),
        'Report "unit": files is empty; name the result files, like ["reports/junit.xml"]',
    ),
    "report file outside": (
        lambda: Report("unit", ["~/junit.xml"]),
        "Report \"unit\": files='~/junit.xml' is not a path inside the repository with "
        "forward slashes; write it relative to the repository's root, like 'tests/unit'",
    ),
    "pytest path outside": (
        lambda: Pytest(paths=["/tests"]),
        "Pytest \"UnitTests\": paths='/tests' is not a path inside the repository with "
        "forward slashes; write it relative to the repository's root, like 'tests/unit'",
    ),
    "pytest minimum without coverage": (
        lambda: Pytest(minimum_coverage_percent=80),
        'Pytest "UnitTests": minimum_coverage_percent=80 is given, and coverage is not; say what '
        'is measured, like coverage=["src"]',
    ),
    "pytest minimum above all": (
        lambda: Pytest(coverage=["src"], minimum_coverage_percent=101),
        'Pytest "UnitTests": minimum_coverage_percent=101 is not a whole number from 1 to 100; '
        "write it like minimum_coverage_percent=80",
    ),
    "python build directory outside": (
        lambda: PythonBuild(directory=".."),
        "PythonBuild \"Package\": directory='..' is not a path inside the repository with "
        "forward slashes; write it relative to the repository's root, like 'tests/unit'",
    ),
    "ruff paths is one text": (
        lambda: Ruff(paths="src"),
        "Ruff \"CodeQuality\": paths='src' is not a sequence of texts; write it as a list: "
        "paths=[...]",
    ),
    "synth requirements outside": (
        lambda: CdkSynth(requirements=["/requirements.txt"]),
        "CdkSynth \"Synth\": requirements='/requirements.txt' is not a path inside the repository "
        "with forward slashes; write it relative to the repository's root, like "
        "'tests/unit'",
    ),
    "test output is no id": (
        lambda: IntegrationTest("pytest", outputs={"API_URL": "Api/Url"}),
        "IntegrationTest \"IntegrationTest\": outputs['API_URL']='Api/Url' is not the id of"
        ' a CfnOutput; write it like "ApiUrl", or "Stack.ApiUrl"',
    ),
    "test variable is no variable": (
        lambda: IntegrationTest("pytest", outputs={"API-URL": "ApiUrl"}),
        "IntegrationTest \"IntegrationTest\": outputs has the key 'API-URL', which is not "
        "the name of an environment variable: letters, digits and underscores, not "
        "beginning with a digit; rename it",
    ),
    "test variable is given twice": (
        lambda: AcceptanceTest("pytest", outputs={"URL": "ApiUrl"}, environment={"URL": "x"}),
        'AcceptanceTest "AcceptanceTest": URL stands in outputs and in environment; keep '
        "it in one of them",
    ),
    "test without a command": (
        lambda: AcceptanceTest([]),
        'AcceptanceTest "AcceptanceTest": command is empty; say what to run, like '
        'command=["make lint"]',
    ),
    "test name with a dot": (
        lambda: AcceptanceTest("pytest", name="check.out"),
        "AcceptanceTest \"check.out\": name='check.out' is not a valid name: 1 to 40 "
        "letters, digits and hyphens, beginning with a letter; choose another name, like "
        "'one-box'",
    ),
    "approval for a name": (
        lambda: ManualApproval(notify=["release team"]),
        "ManualApproval: notify has 'release team', which is not an email address; write "
        'it like "release@acme.example"; for other subscribers use topic',
    ),
    "approval for one text": (
        lambda: ManualApproval(notify="release@acme.example"),
        "ManualApproval: notify='release@acme.example' is not a sequence of texts; write "
        "it as a list: notify=[...]",
    ),
    "approval address stands twice": (
        lambda: ManualApproval(notify=["a@acme.example", "a@acme.example"]),
        "ManualApproval: notify has a@acme.example more than once; keep one of each",
    ),
    "approval topic is a name": (
        lambda: ManualApproval(topic="releases"),
        "ManualApproval: topic='releases' is neither an SNS topic nor its ARN; give it an "
        "aws_cdk.aws_sns.ITopic, or arn:aws:sns:REGION:ACCOUNT:NAME",
    ),
    "approval topic and addresses": (
        lambda: ManualApproval(
            topic="arn:aws:sns:us-west-2:111111111111:releases", notify=["a@acme.example"]
        ),
        "ManualApproval: both notify and topic are given; subscribe the addresses to "
        "that topic, or leave topic out",
    ),
    "approval review link without https": (
        lambda: ManualApproval(review_url="http://acme.example"),
        "ManualApproval: review_url='http://acme.example' is not an https address; write "
        'it like "https://wiki.acme.example/release"',
    ),
    "approval message too long": (
        lambda: ManualApproval(message="x" * 901),
        "ManualApproval: message has 901 characters; CodePipeline takes 900; shorten "
        "it, and put the rest behind review_url",
    ),
    "approval show_changes is text": (
        lambda: ManualApproval(show_changes="yes"),
        "ManualApproval: show_changes='yes' is not True or False; write show_changes=True or "
        "show_changes=False",
    ),
    "approval forbid_author is a number": (
        lambda: ManualApproval(forbid_author=1),
        "ManualApproval: forbid_author=1 is not True or False; write forbid_author=True or "
        "forbid_author=False",
    ),
    "approval approvers is a text": (
        lambda: ManualApproval(approvers="release-managers"),
        "ManualApproval: approvers='release-managers' is no sequence; write it like "
        'approvers=["release-managers"]',
    ),
    "approval approver is an ARN": (
        lambda: ManualApproval(approvers=["arn:aws:iam::111111111111:role/release"]),
        "ManualApproval: approvers has 'arn:aws:iam::111111111111:role/release', which is neither "
        "the name of an IAM role nor a PermissionSet; write it like "
        'approvers=["release-managers", PermissionSet("ReleaseManager")]',
    ),
    "approval timeout too short": (
        lambda: ManualApproval(timeout=Duration.minutes(4)),
        "ManualApproval: timeout=4 minutes is not between 5 and 86400 minutes; write it "
        "like timeout=Duration.minutes(15)",
    ),
    "approval timeout too long": (
        lambda: ManualApproval(timeout=Duration.days(61)),
        "ManualApproval: timeout=87840 minutes is not between 5 and 86400 minutes; write "
        "it like timeout=Duration.minutes(15)",
    ),
    "waivers is no mapping": (
        lambda: checked_waivers('BetaStage "Beta"', ("beta",), ["x"]),
        "BetaStage \"Beta\": waivers=['x'] is not a mapping of requirements to reasons; "
        'write it like waivers={Requirement.GAMMA_REGIONS: "the reason"}',
    ),
    "waiver key is an id": (
        lambda: checked_waivers(
            'BetaStage "Beta"', ("beta",), {"DPRA-BETA-INTEGRATION": "a reason of some length"}
        ),
        "BetaStage \"Beta\": waivers has the key 'DPRA-BETA-INTEGRATION', which is not a "
        "Requirement; use a member of dpra_constructs.Requirement",
    ),
    "waiver of another stage": (
        lambda: checked_waivers(
            'BetaStage "Beta"', ("beta",), {Requirement.GAMMA_REGIONS: "a reason of some length"}
        ),
        'BetaStage "Beta": waivers has DPRA-GAMMA-REGIONS, which is a requirement of '
        "gamma, not of beta; waive it where gamma is defined",
    ),
    "waiver without a reason": (
        lambda: checked_waivers('BetaStage "Beta"', ("beta",), {Requirement.BETA_INTEGRATION: ""}),
        "BetaStage \"Beta\": waivers[DPRA-BETA-INTEGRATION]='' is not a reason: it is "
        "published in the template and read by auditors, and needs at least 10 "
        "characters; say why the requirement does not hold here, and what stands in its "
        "place",
    ),
    "waiver reason is todo": (
        lambda: checked_waivers(
            'BetaStage "Beta"', ("beta",), {Requirement.BETA_INTEGRATION: "TODO"}
        ),
        "BetaStage \"Beta\": waivers[DPRA-BETA-INTEGRATION]='TODO' is not a reason: it is "
        "published in the template and read by auditors, and needs at least 10 "
        "characters; say why the requirement does not hold here, and what stands in its "
        "place",
    ),
    "waiver reason says nothing": (
        lambda: checked_waivers(
            'BetaStage "Beta"', ("beta",), {Requirement.BETA_INTEGRATION: "Not applicable."}
        ),
        "BetaStage \"Beta\": waivers[DPRA-BETA-INTEGRATION]='Not applicable.' is not a "
        "reason: it is published in the template and read by auditors, and needs at least"
        " 10 characters; say why the requirement does not hold here, and what stands in "
        "its place",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InvalidArgumentError) as refused:
        make()
    assert str(refused.value) == message

"""Synthetic tests as they are synthesized, and what is refused."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Fn, Stack
from aws_cdk.assertions import Template
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import InvalidArgumentError
from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.monitoring import (
    ApiStep,
    ApiSyntheticTest,
    BrowserSyntheticTest,
    DeploymentHealth,
    SyntheticTest,
)
from dpra_constructs.monitoring.synthetic_tests.definition import canary_name
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.synth.test_deployment_health import TARGET, application

KEY = "arn:aws:kms:eu-central-1:444444444444:key/1a2b"
SECRET = SecretsManagerSecret("fruit/canary", json_key="authorization", kms_key_arn=KEY)
LIST = ApiStep("List", path="/fruits", json_checks={"length(fruits)": 2})
LOGIN = ApiStep("Login", method="POST", path="/login", secret_headers={"Authorization": SECRET})


def api_test(stack: Stack, id: str = "Prices", **given: Any) -> ApiSyntheticTest:
    arguments = {
        "target": TARGET,
        "base_url": "https://api.acme.example",
        "steps": [LIST],
        **given,
    }
    return ApiSyntheticTest(stack, id, **arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = tmp_path_factory.mktemp("browser")
    (made / "flows").mkdir()
    (made / "flows" / "buy.mjs").write_text("export const handler = async () => {};\n")
    (made / "index.js").write_text("exports.handler = async () => {};\n")
    return str(made)


def browser_test(stack: Stack, folder: str, **given: Any) -> BrowserSyntheticTest:
    arguments = {
        "target": TARGET,
        "base_url": "https://acme.example",
        "folder": folder,
        **given,
    }
    return BrowserSyntheticTest(stack, "Buy", **arguments)


def template_of(stack: Stack) -> dict[str, Any]:
    return dict(Template.from_stack(stack).to_json())


def one(template: Mapping[str, Any], type: str) -> Any:
    [found] = resources(dict(template), type)
    return found


def test_a_canary_runs_each_minute_in_the_newest_runtime() -> None:
    stack = application()
    test = api_test(stack)
    canary = one(template_of(stack), "AWS::Synthetics::Canary")
    assert canary["Name"] == test.canary_name
    assert canary["RuntimeVersion"] == "syn-python-selenium-14.0"
    assert canary["Schedule"] == {"Expression": "rate(1 minute)"}
    assert canary["RunConfig"] == {
        "EnvironmentVariables": {"BASE_URL": "https://api.acme.example"},
        "MemoryInMB": 960,
        "TimeoutInSeconds": 60,
    }
    assert canary["Code"]["Handler"] == "api_canary.handler"
    assert canary["StartCanaryAfterCreation"] is True
    assert canary["ProvisionedResourceCleanup"] == "AUTOMATIC"


def test_a_browser_test_runs_the_script_of_the_team(folder: str) -> None:
    stack = application()
    browser_test(
        stack,
        folder,
        handler="flows/buy.handler",
        environment={"FRUIT": "apple"},
        secrets={"LOGIN": SecretsManagerSecret("fruit/login")},
    )
    template = template_of(stack)
    canary = one(template, "AWS::Synthetics::Canary")
    assert canary["RuntimeVersion"] == "syn-nodejs-playwright-9.0"
    assert canary["Schedule"] == {"Expression": "rate(5 minutes)"}
    assert canary["RunConfig"]["TimeoutInSeconds"] == 300
    assert canary["RunConfig"]["EnvironmentVariables"] == {
        "BASE_URL": "https://acme.example",
        "FRUIT": "apple",
        "LOGIN": "fruit/login",
    }
    assert canary["Code"]["Handler"] == "flows/buy.handler"
    assert "fruit/login-??????" in json.dumps(one(template, "AWS::IAM::Role"))


def test_what_is_given_overrides_the_defaults() -> None:
    stack = application()
    api_test(
        stack,
        schedule=Duration.minutes(10),
        timeout=Duration.seconds(45),
        memory_mib=1024,
        runtime="syn-python-selenium-15.0",
    )
    template = template_of(stack)
    canary = one(template, "AWS::Synthetics::Canary")
    assert canary["RuntimeVersion"] == "syn-python-selenium-15.0"
    assert canary["Schedule"] == {"Expression": "rate(10 minutes)"}
    assert canary["RunConfig"]["TimeoutInSeconds"] == 45
    assert canary["RunConfig"]["MemoryInMB"] == 1024
    [query] = [
        each
        for each in one(template, "AWS::CloudWatch::Alarm")["Metrics"]
        if each["Id"] == "success"
    ]
    assert query["MetricStat"]["Period"] == 600


def test_the_alarm_watches_the_success_of_its_own_canary() -> None:
    stack = application()
    test = api_test(stack)
    alarm = one(template_of(stack), "AWS::CloudWatch::Alarm")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (100, "LessThanThreshold")
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3)
    [query] = [each for each in alarm["Metrics"] if each["Id"] == "success"]
    assert query["MetricStat"]["Metric"] == {
        "Namespace": "CloudWatchSynthetics",
        "MetricName": "SuccessPercent",
        "Dimensions": [{"Name": "CanaryName", "Value": test.canary_name}],
    }


def test_the_alarm_joins_the_health_and_its_settle_time_follows_the_schedule() -> None:
    for minutes, settle in ((1, 5), (5, 17)):
        stack = application()
        test = api_test(stack, schedule=Duration.minutes(minutes))
        health = DeploymentHealth(stack, "Health", target=TARGET, alarms=[test.alarm])
        assert health.settle_minutes == settle
        assert SyntheticTest.of(stack.node.scope) == (test,)  # type: ignore[arg-type]


def test_the_tests_of_a_stack_share_one_bucket_that_is_closed_encrypted_and_empties_itself() -> (
    None
):
    stack = application()
    made = [api_test(stack, "Prices"), api_test(stack, "Stock")]
    template = template_of(stack)
    [(name, bucket)] = [
        (name, each)
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::S3::Bucket"
    ]
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == "Retain"
    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    [rule] = properties["LifecycleConfiguration"]["Rules"]
    assert (rule["ExpirationInDays"], rule["Status"]) == (31, "Enabled")
    [statement] = one(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    locations = [
        canary["ArtifactS3Location"]["Fn::Join"][1]
        for canary in resources(template, "AWS::Synthetics::Canary")
    ]
    assert locations == [["s3://", {"Ref": name}, f"/{each.canary_name}"] for each in made]


def test_the_log_is_kept_for_a_month_and_the_canary_may_not_make_another() -> None:
    stack = application()
    test = api_test(stack)
    template = template_of(stack)
    group = one(template, "AWS::Logs::LogGroup")
    assert group["RetentionInDays"] == 30
    beginning, canary_id = group["LogGroupName"]["Fn::Join"][1]
    assert beginning == f"/aws/lambda/cwsyn-{test.canary_name}-"
    assert canary_id["Fn::GetAtt"][1] == "Id"
    assert "CreateLogGroup" not in json.dumps(template)


def test_the_role_may_do_what_a_canary_does_and_no_more() -> None:
    stack = application()
    test = api_test(stack, steps=[LIST, LOGIN])
    template = template_of(stack)
    role = one(template, "AWS::IAM::Role")
    [principal] = role["AssumeRolePolicyDocument"]["Statement"]
    assert principal["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    granted = {
        json.dumps(each["Action"]): (each["Resource"], each.get("Condition"))
        for each in policy["PolicyDocument"]["Statement"]
    }
    bucket = {"Fn::GetAtt": ["SyntheticTestArtifacts", "Arn"]}

    def arn(rest: str) -> dict[str, Any]:
        return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, rest]]}

    assert granted == {
        '"s3:PutObject"': ({"Fn::Join": ["", [bucket, f"/{test.canary_name}/*"]]}, None),
        '"s3:GetBucketLocation"': (bucket, None),
        '"s3:ListAllMyBuckets"': ("*", None),
        '["logs:CreateLogStream", "logs:PutLogEvents"]': (
            arn(
                f":logs:eu-central-1:444444444444:log-group:/aws/lambda/cwsyn-{test.canary_name}-*"
            ),
            None,
        ),
        '"cloudwatch:PutMetricData"': (
            "*",
            {"StringEquals": {"cloudwatch:namespace": "CloudWatchSynthetics"}},
        ),
        '"secretsmanager:GetSecretValue"': (
            arn(":secretsmanager:eu-central-1:444444444444:secret:fruit/canary-??????"),
            None,
        ),
        '"kms:Decrypt"': (
            KEY,
            {"StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}},
        ),
    }


@pytest.mark.parametrize("context", [{}, {"@aws-cdk/core:enablePartitionLiterals": True}])
def test_cdk_nag_finds_nothing_whatever_the_feature_flags(
    folder: str, context: dict[str, bool]
) -> None:
    app = App(context=context)
    stack = application(app)
    api_test(stack, steps=[LIST, LOGIN])
    browser_test(stack, folder)
    assert unacknowledged_findings(app) == []


def test_the_code_in_the_asset_runs_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App()
    stack = application(app)
    api_test(stack, steps=[LOGIN, LIST])
    [found] = Path(app.synth().directory).rglob("steps.json")
    code = found.parents[1]
    assert sorted(path.relative_to(code).as_posix() for path in code.rglob("*.*")) == [
        "python/api_canary.py",
        "python/steps.json",
    ]
    steps = json.loads((code / "python" / "steps.json").read_text())
    assert [step["name"] for step in steps] == ["Login", "List"]
    spec = importlib.util.spec_from_file_location("api_canary", code / "python" / "api_canary.py")
    assert spec
    assert spec.loader
    canary = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "api_canary", canary)
    spec.loader.exec_module(canary)
    monkeypatch.setenv("BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(canary, "secret_reader", lambda client: lambda reference: "Bearer abc")
    with pytest.raises(canary.SyntheticTestFailedError, match="Login: the connection is refused"):
        canary.handler({}, None)


def test_the_same_steps_are_the_same_asset_wherever_they_are_checked_out() -> None:
    keys = []
    for _ in range(2):
        stack = application()
        api_test(stack)
        keys.append(one(template_of(stack), "AWS::Synthetics::Canary")["Code"]["S3Key"])
    assert keys[0] == keys[1]


def test_a_secret_value_stands_neither_in_the_template_nor_in_the_code() -> None:
    app = App()
    stack = application(app)
    api_test(stack, steps=[LOGIN])
    folder = Path(app.synth().directory)
    [steps] = folder.rglob("steps.json")
    assert json.loads(steps.read_text())[0]["secret_headers"] == {
        "Authorization": {"json_key": "authorization", "name": "fruit/canary"}
    }


def test_the_url_may_be_known_at_deployment_only() -> None:
    stack = application()
    url = Fn.join("", ["https://", CfnParameter(stack, "Host").value_as_string])
    api_test(stack, base_url=url, steps=[LOGIN])
    canary = one(template_of(stack), "AWS::Synthetics::Canary")
    assert isinstance(canary["RunConfig"]["EnvironmentVariables"]["BASE_URL"], dict)


@given(st.text(max_size=40), st.sampled_from(["beta", "gamma"]))
def test_a_canary_has_a_name_that_synthetics_and_lambda_take(id: str, environment: str) -> None:
    name = canary_name("fruit", environment, f"fruit-beta-us-west-2/Api/{id}")
    assert 1 <= len(name) <= 21
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not name.startswith("-")


def test_canaries_of_two_environments_and_places_have_names_of_their_own() -> None:
    names = {
        canary_name(pipeline, environment, f"Stage/Api/{id}")
        for pipeline in ("fruit", "vegetables")
        for environment in ("gamma", "prod")
        for id in ("Prices", "Prices of all fruit", "Prices of all fish")
    }
    assert len(names) == 12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: api_test(s, target="prod"), "target='prod' is of type str, and Deployment"),
        (lambda s: api_test(s, steps=[]), "steps has 0, and a synthetic test takes 1 to 50"),
        (lambda s: api_test(s, steps="List"), "steps='List' is no sequence of steps"),
        (lambda s: api_test(s, steps=["List"]), "steps='List' is of type str, and ApiStep"),
        (lambda s: api_test(s, steps=[LIST, LIST]), "steps has List more than once"),
        (
            lambda s: api_test(s, steps=[ApiStep(f"{n}") for n in range(51)]),
            "steps has 51, and a synthetic test takes 1 to 50; spread them",
        ),
        (lambda s: api_test(s, base_url="api.acme.example"), "base_url is not a URL of https:"),
        (lambda s: api_test(s, base_url="https://me:pin@acme.example"), "without a user, query"),
        (lambda s: api_test(s, base_url="https://acme.example?a=b"), "without a user, query"),
        (lambda s: api_test(s, base_url="https://acme.example:x"), "base_url is not a URL of"),
        (lambda s: api_test(s, base_url=5), "base_url=5 is not a text"),
        (
            lambda s: api_test(s, base_url="http://acme.example", steps=[LOGIN]),
            "is without TLS, and secrets would be sent to it; use https:",
        ),
        (lambda s: api_test(s, schedule=Duration.hours(2)), "schedule=120 minutes is not between"),
        (
            lambda s: api_test(s, timeout=Duration.seconds(90)),
            "timeout=90 seconds is not between 3 and 60 seconds",
        ),
        (lambda s: api_test(s, memory_mib=1000), "memory_mib=1000 is not a multiple of 64"),
        (lambda s: api_test(s, memory_mib=4096), "memory_mib=4096 is not a multiple of 64 from"),
        (
            lambda s: api_test(s, runtime="syn-nodejs-playwright-9.0"),
            "runtime='syn-nodejs-playwright-9.0' is not one that runs its code: syn-python-",
        ),
        (lambda s: browser_test(s, "nowhere"), "folder='nowhere' is not a folder"),
        (lambda s: browser_test(s, "tests", handler="index"), "handler='index' is not a script's"),
        (
            lambda s: browser_test(s, "tests", handler="index.handler"),
            "handler='index.handler' is of index.js, .mjs or .cjs, and the folder has none",
        ),
    ],
)
def test_a_test_that_cannot_run_is_refused(make: Callable[[Stack], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        make(application())
    assert message in str(refused.value)
    assert "pin" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"environment": {"BASE_URL": "x"}}, "environment has BASE_URL, which is set already"),
        ({"environment": {"API_TOKEN": "s3cr3t"}}, "environment has API_TOKEN, which by its name"),
        ({"environment": {"A": "x" * 4096}}, "have 4097 bytes, and a canary takes 4096"),
        ({"secrets": ["LOGIN"]}, "secrets is of type list, and a mapping"),
        ({"secrets": {"LOGIN": "s3cr3t"}}, "secrets['LOGIN'] is of type str, and a reference"),
        ({"secrets": {"1": SECRET}}, "which is not the name of an environment variable"),
        (
            {"secrets": {"LOGIN": SECRET}, "base_url": "http://acme.example"},
            "is without TLS, and secrets would be sent to it",
        ),
        ({"runtime": "syn-python-selenium-14.0"}, "one that runs its code: syn-nodejs-playwright"),
    ],
)
def test_a_browser_test_that_cannot_run_is_refused(
    folder: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        browser_test(application(), folder, **given)
    assert message in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_a_stack_elsewhere_is_refused() -> None:
    stack = application(env=Environment(account="444444444444", region="us-east-1"))
    with pytest.raises(InvalidArgumentError, match="its stack has region us-east-1"):
        api_test(stack)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "ApiStep: name='' is not a text"),
        ({"name": "x" * 81}, "is not 1 to 80 characters that can be printed"),
        ({"name": "two\nlines"}, "is not 1 to 80 characters that can be printed"),
        ({"method": "TRACE"}, "method='TRACE' is not one of DELETE, GET"),
        ({"path": "fruits"}, "path='fruits' is not a path: a slash"),
        ({"path": "/two words"}, "path='/two words' is not a path: a slash"),
        ({"path": "/a\r\nHost: b"}, "is not a path: a slash"),
        ({"headers": ["Accept"]}, "headers is of type list, and a mapping of names"),
        ({"headers": {"Two words": "x"}}, "'Two words', which is not the name of a header"),
        ({"headers": {"Host": "x"}}, "headers has Host, which the canary sets itself"),
        ({"headers": {"Accept": "x", "accept": "y"}}, "headers has accept more than once"),
        ({"headers": {"Accept": "a\r\nb: s3cr3t"}}, "the value of the header Accept is not text"),
        ({"headers": {"Accept": 1}}, "the value of the header Accept is not text"),
        *(
            ({"headers": {name: "s3cr3t"}}, f"headers has {name}, which by its name is a secret")
            for name in ("Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "X-Fruit-Secret")
        ),
        (
            {"secret_headers": {"Authorization": "s3cr3t"}},
            "secret_headers['Authorization'] is of type str, and a reference to a secret",
        ),
        (
            {"headers": {"X-Who": "me"}, "secret_headers": {"x-who": SECRET}},
            "x-who stands in headers and in secret_headers",
        ),
        ({"body": {1, 2}}, "body is of type set and cannot be written as JSON"),
        ({"body": float("nan")}, "body is of type float and cannot be written as JSON"),
        ({"body": "x" * 262_145}, "body has 262145 bytes, and a synthetic test sends up to 262144"),
        ({"expected_status": 600}, "expected_status=600 is not a whole number from 100 to 599"),
        ({"expected_status": "200"}, "expected_status='200' is not a whole number"),
        ({"latency_limit_ms": 0}, "latency_limit_ms=0 is not a whole number from 1 to 60000"),
        ({"timeout_seconds": 0}, "timeout_seconds=0 is not a whole number from 1 to 60"),
        (
            {"latency_limit_ms": 2000, "timeout_seconds": 1},
            "latency_limit_ms=2000 is longer than timeout_seconds=1",
        ),
        ({"json_checks": ["a"]}, "json_checks=['a'] is not a mapping of JMESPath expressions"),
        ({"json_checks": {"a[": 1}}, "json_checks has 'a[', which is not a JMESPath expression"),
        ({"json_checks": {"": 1}}, "json_checks has '', which is not a JMESPath expression"),
        ({"json_checks": {"a": {1}}}, "json_checks['a']={1} is not a value of JSON"),
        ({"json_checks": {"a": 1}, "method": "HEAD"}, "HEAD has an answer without a body"),
    ],
)
def test_a_step_that_cannot_work_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        ApiStep(**{"name": "Look", **given})
    assert message in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_a_step_is_the_request_that_it_says() -> None:
    step = ApiStep(
        "Make", method="PUT", path="/fruits/fig", headers={"content-type": "text/json"},
        body={"price": 3}, expected_status=201, latency_limit_ms=300,
    )  # fmt: skip
    assert step.request == {
        "name": "Make",
        "method": "PUT",
        "path": "/fruits/fig",
        "headers": {"content-type": "text/json"},
        "body": '{"price": 3}',
        "expected_status": 201,
        "latency_limit_ms": 300,
        "timeout_seconds": 10,
    }
    assert ApiStep("Text", method="POST", body="a=b").request["body"] == "a=b"
    assert ApiStep("Json", body=[1]).request["headers"] == {"Content-Type": "application/json"}

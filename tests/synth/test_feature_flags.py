"""Feature flags whose changes reach a part of the clients at a time."""

import json
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Stage
from aws_cdk import aws_kms as kms
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import InvalidArgumentError
from dpra_constructs.progressive_deployment import FeatureFlags, Flag, TrafficShift
from dpra_constructs.progressive_deployment.deployed_progressively import deployed_progressively
from dpra_constructs.progressive_deployment.flag import flag_set
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.synth.every_health_alarm import function as plain_function
from tests.synth.test_deployment_health import TARGET, alarm, application, health, template_of

LINEAR = TrafficShift.linear(20, Duration.minutes(5))
FLAGS = {"newList": Flag(False, {"rows": 20}, "The new list")}
SCHEMA = {"type": "object", "required": ["rows"]}
KEYS = st.from_regex(r"[a-z][a-zA-Z\d_-]{0,63}", fullmatch=True).filter(lambda k: k != "enabled")


def flags(stack: Stack, **changed: Any) -> FeatureFlags:
    arguments = {"target": TARGET, "shift": LINEAR, "flags": FLAGS, **changed}
    if "alarms" not in changed:
        arguments["alarms"] = [alarm(stack)]
    return FeatureFlags(stack, "Flags", **arguments)


def one(template: dict[str, Any], kind: str) -> dict[str, Any]:
    [found] = resources(template, f"AWS::AppConfig::{kind}")
    return found


def message(**changed: Any) -> str:
    with pytest.raises(InvalidArgumentError) as raised:
        flags(application(), **changed)
    return str(raised.value)


def test_a_change_grows_as_the_shift_says() -> None:
    stack = application()
    made = flags(stack, bake=Duration.minutes(30))
    strategy = one(template_of(stack), "DeploymentStrategy")
    assert strategy == {
        "Name": "fruit-prod-Flags",
        "ReplicateTo": "NONE",
        "GrowthType": "LINEAR",
        "GrowthFactor": 20,
        "DeploymentDurationInMinutes": 25,
        "FinalBakeTimeInMinutes": 30,
    }
    assert deployed_progressively(Stage.of(stack)) == (made,)


def test_all_at_once_is_not_progressive() -> None:
    stack = application()
    flags(stack, shift=TrafficShift.all_at_once())
    strategy = one(template_of(stack), "DeploymentStrategy")
    assert (strategy["GrowthFactor"], strategy["DeploymentDurationInMinutes"]) == (100, 0)
    assert deployed_progressively(Stage.of(stack)) == ()


def test_a_change_is_rolled_back_on_the_health_alarm() -> None:
    stack = application()
    watched = health(stack, alarms=[alarm(stack)])
    flags(stack, alarms=[watched.alarm])
    template = template_of(stack)
    [monitor] = one(template, "Environment")["Monitors"]
    assert monitor["AlarmArn"]["Fn::GetAtt"][0].startswith("HealthAlarm")
    role = template["Resources"][monitor["AlarmRoleArn"]["Fn::GetAtt"][0]]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "appconfig.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": TARGET.account}}
    [reads] = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert reads["Action"] == "cloudwatch:DescribeAlarms"


def test_flags_are_of_the_type_of_app_config() -> None:
    stack = application()
    flags(stack)
    template = template_of(stack)
    profile = one(template, "ConfigurationProfile")
    assert (profile["Type"], profile["LocationUri"]) == ("AWS.AppConfig.FeatureFlags", "hosted")
    assert "Validators" not in profile
    assert json.loads(one(template, "HostedConfigurationVersion")["Content"]) == {
        "version": "1",
        "flags": {
            "newList": {
                "name": "newList",
                "description": "The new list",
                "attributes": {"rows": {"constraints": {"type": "number"}}},
            }
        },
        "values": {"newList": {"enabled": False, "rows": 20}},
    }


def test_other_configuration_is_checked_by_its_schema() -> None:
    stack = application()
    flags(stack, flags=None, configuration={"rows": 5}, schema=SCHEMA)
    template = template_of(stack)
    profile = one(template, "ConfigurationProfile")
    assert profile["Type"] == "AWS.Freeform"
    [validator] = profile["Validators"]
    assert (validator["Type"], json.loads(validator["Content"])) == ("JSON_SCHEMA", SCHEMA)
    assert json.loads(one(template, "HostedConfigurationVersion")["Content"]) == {"rows": 5}


def test_it_is_encrypted_by_a_key_that_rotates_or_by_that_of_the_team() -> None:
    stack = application()
    flags(stack)
    template = template_of(stack)
    [key] = resources(template, "AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    for kind in ("ConfigurationProfile", "Deployment"):
        assert one(template, kind)["KmsKeyIdentifier"]["Fn::GetAtt"][0].startswith("FlagsKey")
    stack = application()
    flags(stack, key=kms.Key(stack, "Own"))
    profile = one(template_of(stack), "ConfigurationProfile")
    assert profile["KmsKeyIdentifier"]["Fn::GetAtt"][0].startswith("Own")


def test_a_reader_reads_this_environment_alone() -> None:
    stack = application()
    made = flags(stack)
    made.grant_read(plain_function(stack))
    statements = [
        statement
        for policy in resources(template_of(stack), "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert [each["Action"] for each in statements] == [
        "kms:Decrypt",
        ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
    ]
    refs = [each["Ref"] for each in statements[1]["Resource"]["Fn::Join"][1] if "Ref" in each]
    assert [each[:-8] for each in refs[1:]] == [
        "FlagsApplication",
        "FlagsEnvironment",
        "FlagsProfile",
    ]


def test_nothing_is_left_to_cdk_nag() -> None:
    app = App()
    stack = application(app)
    flags(stack, alarms=[health(stack, alarms=[alarm(stack)]).alarm])
    assert unacknowledged_findings(app) == []


@given(
    st.dictionaries(
        KEYS,
        st.builds(
            Flag,
            st.booleans(),
            st.dictionaries(KEYS, st.one_of(st.booleans(), st.integers(), st.text()), max_size=25),
        ),
        max_size=5,
    )
)
def test_each_flag_has_its_values_and_the_types_of_its_attributes(made: dict[str, Flag]) -> None:
    found = flag_set(made)
    assert found["values"] == {
        name: {"enabled": flag.enabled, **flag.attributes} for name, flag in made.items()
    }
    names = {bool: "boolean", int: "number", str: "string"}
    for name, flag in made.items():
        declared = found["flags"][name].get("attributes", {})
        assert {key: each["constraints"]["type"] for key, each in declared.items()} == {
            key: names[type(value)] for key, value in flag.attributes.items()
        }


def test_every_argument_is_checked() -> None:
    for changed, said in (
        ({"target": "prod"}, "target='prod' is of type str"),
        ({"shift": 10}, "shift=10 is of type int"),
        ({"shift": TrafficShift.canary(10, Duration.minutes(5))}, "AppConfig only grows by equal"),
        ({"alarms": []}, "alarms=[] is not a sequence of 1 to 5 alarms"),
        ({"alarms": "one"}, "alarms='one' is not a sequence of 1 to 5 alarms"),
        ({"alarms": [5]}, "alarms=[5] is not a sequence of 1 to 5 alarms"),
        ({"flags": None}, "it has flags and configuration, or neither"),
        ({"configuration": {}}, "it has flags and configuration, or neither"),
        ({"flags": {}}, "flags={} is not a mapping of names to flags"),
        ({"flags": {"New": Flag(True)}}, "flags has the name 'New'"),
        ({"flags": {"new": True}}, "flags['new']=True is of type bool"),
        ({"schema": SCHEMA}, "schema is given with flags"),
        ({"flags": None, "configuration": {}}, "schema=None is not a JSON schema"),
        (
            {"flags": None, "configuration": {"a": {1}}, "schema": SCHEMA},
            "configuration cannot be written as JSON",
        ),
        (
            {"flags": None, "configuration": {}, "schema": {"title": "x" * 32_768}},
            "schema has 32781 characters, and AppConfig takes 32768",
        ),
        ({"bake": Duration.days(2)}, "bake=2880 minutes is not between 0 and 1440 minutes"),
    ):
        assert said in message(**changed)


def test_every_argument_of_a_flag_is_checked() -> None:
    for arguments, said in (
        ((1,), "enabled=1 is not True or False"),
        ((True, {"Rows": 1}), "attributes has the name 'Rows'"),
        ((True, {"enabled": 1}), "attributes has 'enabled', which AppConfig has for the flag"),
        ((True, {"rows": [1]}), "attributes['rows']=[1] is not a bool, a number or a text"),
        ((True, {f"a{n}": n for n in range(26)}), "is not a mapping of at most 25 names"),
        ((True, {}, 5), "description=5 is of type int"),
    ):
        with pytest.raises(InvalidArgumentError) as raised:
            Flag(*arguments)
        assert said in str(raised.value)

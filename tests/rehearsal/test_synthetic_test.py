"""What a synthetic test of another address makes, on the emulator: its log and alarm, no runs."""

import json

from aws_cdk import Environment
from aws_cdk.assertions import Template

from dpra_constructs.monitoring import ApiStep, ApiSyntheticTest
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import emulator
from dpra_constructs.rehearsal.stacks import create_stack
from tests.synth.test_deployment_health import TARGET, application

PLACE = Place("444444444444", "eu-central-1")


def test_what_a_synthetic_test_makes_is_deployed() -> None:
    stack = application(env=Environment(account=PLACE.account, region=PLACE.region))
    made = ApiSyntheticTest(
        stack,
        "Visit",
        target=TARGET,
        base_url="https://acme.example",
        steps=[ApiStep("Look")],
    )
    template = dict(Template.from_stack(stack).to_json())
    # They check the version of the bootstrap, which is not there.
    del template["Parameters"], template["Rules"]
    with emulator() as endpoint:
        create_stack(client("cloudformation", endpoint, PLACE), "Api", json.dumps(template))
        [group] = client("logs", endpoint, PLACE).describe_log_groups()["logGroups"]
        assert group["logGroupName"].startswith(f"/aws/lambda/cwsyn-{made.canary_name}-")
        assert group["retentionInDays"] == 30
        [alarm] = client("cloudwatch", endpoint, PLACE).describe_alarms()["MetricAlarms"]
        assert alarm["TreatMissingData"] == "missing"

"""A failed bake rolls the waves before it back: the state machine, run here state by state."""

import json
from functools import partial
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from dpra_constructs import InvalidArgumentError
from dpra_constructs.release.roll_back_machine import definition
from dpra_constructs.release.runtime import roll_back_all
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import REGIONS, pipeline, prod_waves, template_of, tools_stack, wave
from tests.runtime.service_models import Modelled
from tests.runtime.test_stop_the_line import TWO, Pipeline, released, state
from tests.synth.test_build_actions import flat


def of_prod(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    return template_of(
        pipeline(stack, last_stage=prod_waves(stack, on_bake_failure="roll_back_all", **arguments))
    )


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return of_prod()


def role(template: dict[str, Any], begin: str) -> list[tuple[Any, Any]]:
    """Return actions and resources of the statements of a role."""
    [found] = [
        resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and name.startswith(begin)
    ]
    [policy] = found["Policies"]
    return [
        (
            each["Action"],
            each["Resource"] if isinstance(each["Resource"], list) else flat(each["Resource"]),
        )
        for each in policy["PolicyDocument"]["Statement"]
    ]


def test_what_stops_the_line_may_start_it(template: dict[str, Any]) -> None:
    [name] = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    assert ("states:StartExecution", f"<{name}>") in role(template, "PipelineStopTheLineRole")
    [function] = [
        each
        for each in resources(template, "AWS::Lambda::Function")
        if each["Handler"] == "runtime.stop_the_line.handler"
    ]
    assert function["Environment"]["Variables"]["ROLL_BACK_ALL_ARN"] == {"Ref": name}


def test_its_function_may_roll_back_the_waves_before_the_last_alone(
    template: dict[str, Any],
) -> None:
    arn = "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit"
    statements = role(template, "PipelineRollBackAllRole")
    assert ("codepipeline:RollbackStage", f"{arn}/Prod-one-box") in statements
    [closing] = [
        each for action, each in statements if action == ("codepipeline:DisableStageTransition")
    ]
    assert [flat(each) for each in closing] == [
        f"{arn}/Approve-Prod",
        f"{arn}/Prod-one-box",
        f"{arn}/Prod-rest",
    ]
    assert all("*" not in str(resource) for _, resource in statements)


def test_its_log_is_encrypted_and_complete_and_its_calls_are_traced(
    template: dict[str, Any],
) -> None:
    [machine] = resources(template, "AWS::StepFunctions::StateMachine")
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    [group] = [
        each
        for each in resources(template, "AWS::Logs::LogGroup")
        if each["LogGroupName"] == "/aws/vendedlogs/states/fruit-RollBackAll"
    ]
    assert "KmsKeyId" in group
    [key] = [each for each in resources(template, "AWS::KMS::Key") if "KeyUsage" not in each]
    assert "/aws/vendedlogs/states/fruit-*" in json.dumps(key["KeyPolicy"])


def test_cdk_nag_finds_nothing() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=prod_waves(stack, on_bake_failure="roll_back_all"))
    assert unacknowledged_findings(made) == []


def test_the_outline_says_it() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=prod_waves(stack, on_bake_failure="roll_back_all"))
    lines = made.pipeline_outline().splitlines()
    told = "rolls back on failure, a failed bake rolls back the waves before it too"
    assert f"Prod-rest ({told})" in lines
    assert "Prod-one-box (rolls back on failure)" in lines


def test_with_a_single_wave_there_is_nothing_to_roll_back() -> None:
    template = of_prod(waves=[wave("all", REGIONS)])
    assert resources(template, "AWS::StepFunctions::StateMachine") == []


def test_without_it_there_is_no_state_machine() -> None:
    stack = tools_stack()
    template = template_of(pipeline(stack))
    assert resources(template, "AWS::StepFunctions::StateMachine") == []
    assert "states:StartExecution" not in json.dumps(template)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"on_bake_failure": "roll_back"},
            "ProdWaves \"Prod\": on_bake_failure='roll_back' is not one of roll_back_all, "
            "roll_back_wave; choose one of them for on_bake_failure",
        ),
        (
            {"on_bake_failure": "roll_back_all", "stop_the_line": False},
            'ProdWaves "Prod": on_bake_failure="roll_back_all" with stop_the_line=False would let '
            "the next release into waves that are rolled back; leave stop_the_line out",
        ),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        prod_waves(tools_stack(), **arguments)
    assert str(error.value) == message


def test_step_functions_takes_the_definition() -> None:
    model = botocore.session.get_session().get_service_model("stepfunctions")
    request = {
        "name": "fruit-RollBackAll",
        "definition": json.dumps(definition("arn:aws:lambda:us-west-2:111111111111:function:f")),
        "roleArn": "arn:aws:iam::111111111111:role/machine",
    }
    shape = model.operation_model("CreateStateMachine").input_shape
    assert shape is not None
    assert not ParamValidator().validate(request, shape).has_errors()
    states = definition("arn")["States"]
    names = {"RollBack", "AllDone", "Wait", "Report"}
    assert set(states) == names
    assert {each["Next"] for each in states.values() if "Next" in each} < names


def run(fake: Pipeline, given: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
    """Run the definition; return the seconds of each wait, and what is reported in the end."""
    machine = definition("function")
    waits: list[int] = []
    name, now, value = machine["StartAt"], 0.0, dict(given)
    while True:
        each = machine["States"][name]
        match each["Type"]:
            case "Task" if "Parameters" in each:
                assert each["Parameters"] == {"tell.$": "$"}
                assert each["End"]
                return waits, value
            case "Task":
                codepipeline = Modelled("codepipeline", fake)
                try:
                    value = roll_back_all.step(
                        json.loads(json.dumps(value)),
                        codepipeline=codepipeline,
                        # The step asks for it at once.
                        clock=partial(float, now),
                    )
                    name = each["Next"]
                except ClientError as error:
                    [caught] = each["Catch"]
                    assert caught["ResultPath"] == "$.error"
                    value["error"] = {"Error": "ClientError", "Cause": str(error)}
                    name = caught["Next"]
            case "Choice":
                [choice] = each["Choices"]
                field = choice["Variable"].removeprefix("$.")
                name = (
                    choice["Next"] if value[field] is choice["BooleanEquals"] else each["Default"]
                )
            case "Wait":
                waits.append(each["Seconds"])
                now += each["Seconds"]
                assert now < machine["TimeoutSeconds"]
                name = each["Next"]


def test_it_ends_at_once_where_nothing_is_busy() -> None:
    fake = released(("good", 0), ("bad", 10), waves=TWO)
    waits, value = run(fake, state())
    assert waits == []
    assert value["done"]
    assert fake.rolled_back == [("Prod-two", "good"), ("Prod-one-box", "good")]


def test_it_waits_for_a_busy_pipeline() -> None:
    fake = released(("good", 0), ("bad", 10), waves=TWO)
    fake.rollback_errors["Prod-two"] = ["ConflictException"] * 3
    waits, _ = run(fake, state())
    assert waits == [60, 60, 60]
    assert ("Prod-two", "good") in fake.rolled_back


def test_it_gives_up_after_half_an_hour_and_reports() -> None:
    fake = released(("good", 0), ("bad", 10), waves=TWO)
    fake.rollback_errors["Prod-two"] = ["ConflictException"] * 99
    waits, value = run(fake, state())
    assert sum(waits) == 30 * 60
    assert value["report"]["Prod-two"].startswith("busy for 30 minutes")


def test_what_keeps_failing_is_reported_too() -> None:
    class Denied(Pipeline):
        def get_pipeline_state(self, **given: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Get")

    _, value = run(Denied(), state())
    assert "AccessDenied" in value["error"]["Cause"]

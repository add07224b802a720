"""The policies of people who resume a stopped line, and of those who break the glass."""

from typing import Any

import pytest

from dpra_constructs import ChangeCalendar
from tests.conftest import resources
from tests.pipelines import beta_stage, pipeline, prod_waves, template_of, tools_stack
from tests.synth.test_build_actions import flat

ARN = "arn:<AWS::Partition>:codepipeline:us-west-2:111111111111:fruit"
PARAMETER = "arn:<AWS::Partition>:ssm:us-west-2:111111111111:parameter/dpra/fruit/override"


def of_prod(**arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    return template_of(pipeline(stack, last_stage=prod_waves(stack, **arguments)))


def policies(template: dict[str, Any]) -> dict[str, list[tuple[Any, Any]]]:
    """Return actions and resources of the managed policies, by their names."""
    return {
        policy["ManagedPolicyName"]: [
            (
                each["Action"],
                [flat(one) for one in each["Resource"]]
                if isinstance(each["Resource"], list)
                else flat(each["Resource"]),
            )
            for each in policy["PolicyDocument"]["Statement"]
        ]
        for policy in resources(template, "AWS::IAM::ManagedPolicy")
    }


def test_who_resumes_may_open_the_entrance_and_see_the_pipeline_alone() -> None:
    assert policies(of_prod())["fruit-us-west-2-resume"] == [
        ("codepipeline:GetPipelineState", ARN),
        ("codepipeline:EnableStageTransition", f"{ARN}/Approve-Prod"),
    ]


def test_who_resumes_may_open_the_waves_where_they_are_closed_too() -> None:
    statements = policies(of_prod(on_bake_failure="roll_back_all"))["fruit-us-west-2-resume"]
    assert statements[1][1] == [
        f"{ARN}/Approve-Prod",
        f"{ARN}/Prod-one-box",
        f"{ARN}/Prod-rest",
    ]


def test_who_overrides_may_write_one_parameter_that_is_there() -> None:
    template = of_prod()
    assert policies(template)["fruit-us-west-2-override"] == [
        ("codepipeline:GetPipelineState", ARN),
        ("ssm:PutParameter", PARAMETER),
    ]
    [parameter] = resources(template, "AWS::SSM::Parameter")
    assert (parameter["Name"], parameter["Value"]) == ("/dpra/fruit/override", "none")


def test_who_overrides_may_pass_the_stages_with_a_window_or_calendar() -> None:
    template = of_prod(calendar=ChangeCalendar(["year-end-freeze"]))
    assert policies(template)["fruit-us-west-2-override"][2] == (
        "codepipeline:OverrideStageCondition",
        [f"{ARN}/Approve-Prod", f"{ARN}/Open-rest"],
    )


def test_the_bake_may_read_the_parameter_and_not_write_it() -> None:
    template = of_prod()
    writers = [
        resource["Type"]
        for resource in template["Resources"].values()
        if "ssm:PutParameter" in str(resource)
    ]
    assert writers == ["AWS::IAM::ManagedPolicy"]
    [role] = [
        each
        for each in resources(template, "AWS::IAM::Role")
        if each.get("RoleName") == "fruit-us-west-2-bake"
    ]
    reads = [
        flat(each["Resource"])
        for each in role["Policies"][0]["PolicyDocument"]["Statement"]
        if each["Action"] == "ssm:GetParameter"
    ]
    assert reads == [PARAMETER]


def test_a_pipeline_that_ends_with_beta_has_neither() -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=beta_stage(stack))
    assert (made.resume_policy, made.override_policy) == (None, None)
    assert policies(template_of(made)) == {}


@pytest.mark.parametrize("stop_the_line", [True, False])
def test_the_policies_are_attributes_of_the_pipeline(stop_the_line: bool) -> None:
    stack = tools_stack()
    made = pipeline(stack, last_stage=prod_waves(stack, stop_the_line=stop_the_line))
    assert (made.resume_policy is not None) is stop_the_line
    assert made.override_policy is not None

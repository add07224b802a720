"""The bake's value, and the change calendar's, with what their functions read of them."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from dpra_constructs import InvalidArgumentError
from dpra_constructs.release.bake_action import LONGEST_USER_PARAMETERS, BakeAction
from dpra_constructs.release.change_calendar import ChangeCalendar
from dpra_constructs.release.runtime import bake, change_calendar, names
from tests.runtime.service_models import Modelled, client_error

REGIONS = [f"ap-southeast-{number}" for number in range(1, 26)]


def action(**more: Any) -> BakeAction:
    given = {
        "pipeline": "fruit-api",
        "stage": "Prod-rest",
        "environment": "prod",
        "account": "444444444444",
        "regions": ["us-east-1", "eu-central-1"],
        "bake_minutes": 60,
        "settle_minutes": 7,
        **more,
    }
    return BakeAction(**given)


def test_the_function_reads_what_the_action_says() -> None:
    read = bake.parameters(action().user_parameters)
    assert read == bake.Bake(
        pipeline="fruit-api",
        stage="Prod-rest",
        environment="prod",
        account="444444444444",
        regions=("us-east-1", "eu-central-1"),
        bake_minutes=60,
        settle_minutes=7,
        execution="#{codepipeline.PipelineExecutionId}",
    )


def test_a_wave_of_25_regions_fits() -> None:
    assert len(action(regions=REGIONS).user_parameters) < LONGEST_USER_PARAMETERS


def test_the_role_may_assume_the_gates_of_its_regions_alone() -> None:
    [gates, pipeline, marker, results] = action().permissions
    assert marker.actions == ("ssm:GetParameter",)
    assert marker.resources == (
        "arn:{partition}:ssm:{region}:{account}:parameter/dpra/fruit-api/override",
    )
    assert gates.resources == tuple(
        names.role_arn("{partition}", "444444444444", f"fruit-api-prod-{region}-gate")
        for region in ("us-east-1", "eu-central-1")
    )
    assert pipeline.resources == ("arn:{partition}:codepipeline:{region}:{account}:fruit-api",)
    assert results.reason


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pipeline": "a b"}, "'a b' (3 characters) is not a name that CodePipeline accepts"),
        ({"stage": ""}, "'' (0 characters) is not a name that CodePipeline accepts"),
        ({"environment": "-"}, "environment='-' is not a valid name"),
        ({"account": "4"}, "account='4' is not an AWS account id"),
        ({"regions": []}, "regions is empty"),
        ({"regions": ["west"]}, "regions='west' is not the name of an AWS region"),
        ({"bake_minutes": 1381}, "bake_minutes=1381 is not a whole number from 1 to 1380"),
        ({"settle_minutes": 0}, "settle_minutes=0 is not a whole number from 1 to 1380"),
        (
            {"bake_minutes": 6},
            "it takes 6 minutes, and its alarms need 7 to show a new version; bake for 7 minutes "
            "at least",
        ),
        (
            {
                "pipeline": "p" * 100,
                "stage": "s" * 100,
                "regions": [*REGIONS, *(f"us-gov-northwest-{number}" for number in range(1, 21))],
            },
            "characters with 45 regions, and CodePipeline takes 1000; split the wave",
        ),
    ],
)
def test_wrong_bakes_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        action(**given)
    assert message in str(raised.value)


# Change calendars

SHARED = "arn:aws:ssm:us-west-2:999999999999:document/all-of-acme"


def test_the_rule_of_a_calendar_invokes_its_function() -> None:
    calendar = ChangeCalendar(["year-end-freeze", SHARED])
    assert calendar.rule("fruit-calendar").configuration == {
        "FunctionName": "fruit-calendar",
        "UserParameters": calendar.user_parameters,
    }
    [permission] = calendar.function_permissions
    assert permission.resources == (
        "arn:{partition}:ssm:{region}:{account}:document/year-end-freeze",
        SHARED,
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"calendars": []}, "calendars is empty"),
        ({"calendars": "freeze"}, "calendars='freeze' is not a sequence of texts"),
        ({"calendars": ["a b c"]}, "calendars has 'a b c', which is neither a calendar's name"),
        ({"calendars": ["freeze", "freeze"]}, "calendars has freeze more than once"),
        ({"calendars": ["freeze"], "name": "a b"}, "name='a b' is not a valid name"),
    ],
)
def test_wrong_calendars_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        ChangeCalendar(**given)
    assert message in str(raised.value)


class Calendars:
    """Systems Manager and CodePipeline, with calendars in one state."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.results: list[str] = []

    def get_calendar_state(self, **given: Any) -> dict[str, Any]:
        assert given == {"CalendarNames": ["year-end-freeze"]}
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def put_job_success_result(self, **given: Any) -> dict[str, Any]:
        self.results.append("success")
        return {}

    def put_job_failure_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(given["failureDetails"]["message"])
        return {}


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({"State": "OPEN", "AtTime": "2026-12-01T00:00:00Z"}, "success"),
        (
            {"State": "CLOSED", "NextTransitionTime": "2027-01-07T08:00:00Z"},
            "Change calendar closed until 2027-01-07T08:00:00Z: one of year-end-freeze. Then "
            "retry the stage.",
        ),
        ({}, "Change calendar closed: one of year-end-freeze. Then retry the stage."),
        (
            client_error("AccessDeniedException"),
            "The change calendar cannot be read, so it counts as closed: An error occurred "
            "(AccessDeniedException) when calling the Operation operation: AccessDeniedException "
            "happened",
        ),
        (
            EndpointConnectionError(endpoint_url="https://ssm"),
            "The change calendar cannot be read, so it counts as closed: Could not connect to the "
            'endpoint URL: "https://ssm"',
        ),
    ],
)
def test_a_release_goes_on_only_when_the_calendar_says_that_it_is_open(
    answer: Any, result: str
) -> None:
    calendars = Calendars(answer)
    configuration = {"UserParameters": ChangeCalendar(["year-end-freeze"]).user_parameters}
    change_calendar.handle(
        {
            "CodePipeline.job": {
                "id": "f4f4ff82-2d11-4333-8444-555555555555",
                "data": {"actionConfiguration": {"configuration": configuration}},
            }
        },
        codepipeline=Modelled("codepipeline", calendars),
        ssm=Modelled("ssm", calendars),
    )
    assert calendars.results == [result]

"""In a rehearsal the minutes of a bake are shorter, and it is the same bake."""

import json

import pytest

from dpra_constructs.release.runtime import bake as runtime

GIVEN = json.dumps(
    {
        "pipeline": "fruit",
        "stage": "Prod-rest",
        "environment": "prod",
        "account": "444444444444",
        "regions": ["us-west-2"],
        "bake_minutes": 60,
        "settle_minutes": 5,
        "execution": "e",
    }
)


def outcome(scale: float, seconds: float, reading: runtime.Reading) -> runtime.Outcome:
    bake = runtime.parameters(GIVEN, scale)
    began = runtime.Progress(started=0, rolls_back=False, deployed=(0,), read=(0,))
    return runtime.judge(bake, began, (reading,), int(seconds * 1000))


@pytest.mark.parametrize(("scale", "seconds"), [(1, 3600), (60, 60), (600, 6)])
def test_it_ends_after_its_minutes(scale: float, seconds: float) -> None:
    def healthy(at: float) -> runtime.Outcome:
        return outcome(scale, at, runtime.Reading(state="OK", at=int(at * 1000)))

    assert healthy(seconds - 0.01).token is not None
    assert healthy(seconds).summary == "Healthy for 60 minutes in 1 regions"


@pytest.mark.parametrize(("scale", "seconds"), [(1, 300), (60, 5)])
def test_it_fails_after_five_minutes_in_which_it_read_nothing(scale: float, seconds: float) -> None:
    unread = runtime.Reading(problem="denied")
    assert outcome(scale, seconds - 0.01, unread).failures == ()
    [failure] = outcome(scale, seconds, unread).failures
    assert "could not be read for 5 minutes: denied" in failure

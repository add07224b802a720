"""The state machine that rolls every wave back, as a definition of Step Functions. Pure."""

from __future__ import annotations

from typing import Any

# A pipeline that is busy is tried again so often; for how long says `runtime/roll_back_all.py`.
_SECONDS_BETWEEN = 60
# Above the time for which a busy wave is tried again.
_TIMEOUT_SECONDS = 2 * 60 * 60
_RETRY = [
    {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 5,
        "MaxAttempts": 6,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
    }
]


def definition(function_arn: str) -> dict[str, Any]:
    """Return the definition: a step, a wait, and so on until all is done; then a report.

    A step that keeps failing is reported as well.

    Args:
        function_arn: of the function that runs `runtime/roll_back_all.py`.

    >>> definition("arn:aws:lambda:us-west-2:111111111111:function:fruit-RollBackAll")["StartAt"]
    'RollBack'

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
    """
    return {
        "Comment": "Rolls the waves before a bad release back, the newest first",
        "StartAt": "RollBack",
        "TimeoutSeconds": _TIMEOUT_SECONDS,
        "States": {
            "RollBack": {
                "Type": "Task",
                "Resource": function_arn,
                "Retry": _RETRY,
                "Catch": [
                    {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Report"}
                ],
                "Next": "AllDone",
            },
            "AllDone": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "Report"}],
                "Default": "Wait",
            },
            "Wait": {"Type": "Wait", "Seconds": _SECONDS_BETWEEN, "Next": "RollBack"},
            "Report": {
                "Type": "Task",
                "Resource": function_arn,
                "Parameters": {"tell.$": "$"},
                "Retry": _RETRY,
                "End": True,
            },
        },
    }

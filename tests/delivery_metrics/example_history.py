"""The history of the picture in the docs: six weeks, one of them bad."""

from datetime import timedelta
from typing import Any

from tests.delivery_metrics.histories import BEGIN

# Day, hour of the push, hours from the push to the end, and what came of it.
_RUNS = [
    (0, 9.0, 5.0, "Succeeded"),
    (1, 10.0, 6.0, "Succeeded"),
    (2, 9.5, 1.0, "Failed"),
    (2, 11.0, 5.5, "Succeeded"),
    (3, 14.0, 20.0, "Succeeded"),
    (7, 9.0, 4.5, "Succeeded"),
    (8, 9.0, 0.3, "Superseded"),
    (8, 9.2, 5.0, "Succeeded"),
    (10, 13.0, 5.0, "Succeeded"),
    (14, 9.0, 4.0, "Failed"),
    (14, 13.1, 0.5, "ROLLBACK"),
    (14, 15.0, 2.0, "Failed"),
    (15, 9.0, 3.0, "Failed"),
    (15, 12.1, 0.5, "ROLLBACK"),
    (16, 10.0, 7.0, "Succeeded"),
    (17, 11.0, 5.0, "Succeeded"),
    (21, 9.0, 4.5, "Succeeded"),
    (22, 9.0, 4.5, "Succeeded"),
    (22, 15.0, 3.5, "Succeeded"),
    (23, 10.0, 0.4, "Stopped"),
    (24, 9.0, 4.0, "Succeeded"),
    (24, 14.0, 3.5, "Succeeded"),
    (28, 9.0, 4.0, "Succeeded"),
    (29, 9.0, 3.8, "Succeeded"),
    (30, 9.0, 1.2, "Failed"),
    (30, 10.5, 4.0, "Succeeded"),
    (31, 9.0, 3.5, "Succeeded"),
    (35, 9.0, 3.5, "Succeeded"),
    (36, 9.0, 3.4, "Succeeded"),
    (36, 14.0, 3.2, "Succeeded"),
    (37, 9.0, 3.2, "Succeeded"),
    (38, 9.0, 3.0, "Succeeded"),
]


def document() -> dict[str, Any]:
    """Return it as the AWS CLI prints it, the latest first, with the commits' times beside it."""
    summaries: list[dict[str, Any]] = []
    times: dict[str, str] = {}
    for number, (day, hour, hours, outcome) in enumerate(_RUNS):
        pushed = BEGIN + timedelta(days=day, hours=hour)
        is_rollback = outcome == "ROLLBACK"
        commit = f"{number:040x}"
        if not is_rollback:
            times[commit] = (pushed - timedelta(hours=1)).isoformat()
        summaries.append(
            {
                "pipelineExecutionId": f"{number:08x}-0000-4000-8000-000000000000",
                "status": "Succeeded" if is_rollback else outcome,
                "startTime": pushed.isoformat(),
                "lastUpdateTime": (pushed + timedelta(hours=hours)).isoformat(),
                "sourceRevisions": [{"actionName": "Source", "revisionId": commit}],
                "executionType": "ROLLBACK" if is_rollback else "STANDARD",
                "trigger": {"triggerType": "AutomatedRollback" if is_rollback else "WebhookV2"},
            }
        )
    return {"pipelineExecutionSummaries": summaries[::-1], "commitTimes": times}

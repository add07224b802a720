"""Answers of CodePipeline, with as few imports as Lambda has."""

from typing import Any

from tests.delivery_metrics.histories import at

HASH = "0123456789abcdef0123456789abcdef01234567"


def summary(id: str, hours: float, **changes: Any) -> dict[str, Any]:
    return {
        "pipelineExecutionId": id,
        "status": "Succeeded",
        "startTime": at(hours),
        "lastUpdateTime": at(hours + 1),
        "executionType": "STANDARD",
        "sourceRevisions": [{"actionName": "Source", "revisionId": HASH}],
        **changes,
    }


def action(stage: str, hours: float, category: str, **variables: str) -> dict[str, Any]:
    return {
        "stageName": stage,
        "actionName": "A",
        "startTime": at(hours),
        "input": {
            "actionTypeId": {"category": category, "owner": "AWS", "provider": "P", "version": "1"}
        },
        "output": {"outputVariables": variables},
    }


class LongHistory:
    """Ten thousand executions, made when they are asked for."""

    def list_pipeline_executions(self, pipelineName: str, nextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        start = int(nextToken)
        page = [
            {
                **summary(f"e{number}", -number),
                "sourceRevisions": [{"actionName": "S", "revisionId": f"{number:040x}"}],
            }
            for number in range(start, start + 100)
        ]
        more = {"nextToken": str(start + 100)} if start + 100 < 10_000 else {}
        return {"pipelineExecutionSummaries": page, **more}

    def list_action_executions(self, **request: Any) -> dict[str, Any]:
        number = int(request["filter"]["pipelineExecutionId"][1:])
        log = " ".join(
            f"{number + back:012x}-{1_772_400_000 - number - back}" for back in range(100)
        )
        return {"actionExecutionDetails": [action("Build", 0, "Build", DPRA_COMMITS=log)]}

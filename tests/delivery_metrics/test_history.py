"""What is read from the AWS CLI's output, and from CodePipeline."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.delivery_metrics.runtime.calculations import Commit, Execution
from dpra_constructs.delivery_metrics.runtime.history import (
    HistoryError,
    commits_of,
    from_document,
    production_stages,
    read,
)
from tests.conftest import ROOT
from tests.delivery_metrics.histories import at
from tests.delivery_metrics.long_history import HASH, action, summary
from tests.runtime.service_models import Modelled

SUMMARY = {
    "pipelineExecutionId": "e1",
    "status": "Succeeded",
    "startTime": "2026-03-02T10:00:00.123000+01:00",
    "lastUpdateTime": "2026-03-02T11:00:00.123000+01:00",
    "sourceRevisions": [{"actionName": "Source", "revisionId": HASH, "revisionSummary": "Fix"}],
    "trigger": {"triggerType": "WebhookV2", "triggerDetail": "arn"},
    "executionMode": "SUPERSEDED",
    "executionType": "ROLLBACK",
    "rollbackMetadata": {"rollbackTargetPipelineExecutionId": "e0"},
}


def document(**changes: Any) -> dict[str, Any]:
    return {"pipelineExecutionSummaries": [{**SUMMARY, **changes}]}


def test_what_the_aws_cli_prints_is_read() -> None:
    given = {**document(), "commitTimes": {HASH: "2026-03-02T08:00:00Z"}}
    assert from_document(given) == [
        Execution(
            id="e1",
            status="Succeeded",
            started=datetime(2026, 3, 2, 9, 0, 0, 123_000, tzinfo=UTC),
            ended=datetime(2026, 3, 2, 10, 0, 0, 123_000, tzinfo=UTC),
            type="ROLLBACK",
            trigger_type="WebhookV2",
            trigger_detail="arn",
            rolls_back_to="e0",
            revisions=(Commit(HASH, datetime(2026, 3, 2, 8, tzinfo=UTC)),),
        )
    ]


def test_an_execution_of_an_old_pipeline_names_no_type_and_is_no_rollback() -> None:
    summary = {key: SUMMARY[key] for key in ("pipelineExecutionId", "status", "startTime")}
    [execution] = from_document({"pipelineExecutionSummaries": [summary]})
    assert (execution.type, execution.revisions) == ("STANDARD", ())
    assert execution.ended == execution.started


@pytest.mark.parametrize(
    "text", [1772442000, 1772442000.0, "2026-03-02T09:00:00Z", "2026-03-02T09:00:00"]
)
def test_times_are_iso_texts_or_seconds_and_utc_without_a_zone(text: object) -> None:
    [execution] = from_document(document(startTime=text))
    assert execution.started == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_nothing_ends_before_it_began() -> None:
    [execution] = from_document(document(lastUpdateTime="2026-03-01T00:00:00Z"))
    assert execution.ended == execution.started


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [],
            "it has no list pipelineExecutionSummaries; give what `aws codepipeline "
            "list-pipeline-executions --pipeline-name NAME` prints",
        ),
        (
            {**document(), "commitTimes": []},
            "commitTimes is no object; write it as the time of each commit by its id: "
            '{"0f3c...": "2026-01-31T09:30:00Z"}',
        ),
        (
            {**document(), "commitTimes": {"c1": "yesterday"}},
            "commitTimes[c1] is 'yesterday', which is no time; write it like "
            "'2026-01-31T09:30:00Z', or as seconds since 1970",
        ),
        (
            {"pipelineExecutionSummaries": ["e1"]},
            "pipelineExecutionSummaries[0] is no object; give a PipelineExecutionSummary",
        ),
        (
            document(pipelineExecutionId=""),
            "pipelineExecutionSummaries[0] has no pipelineExecutionId; give the whole summary",
        ),
        (
            document(status="Done"),
            "pipelineExecutionSummaries[0].status is 'Done'; it can be Cancelled, Failed, "
            "InProgress, Stopped, Stopping, Succeeded, Superseded",
        ),
        (
            document(executionType="OTHER"),
            "pipelineExecutionSummaries[0].executionType is 'OTHER'; it can be STANDARD, ROLLBACK",
        ),
        (
            document(startTime=None),
            "pipelineExecutionSummaries[0].startTime is None, which is no time; write it like "
            "'2026-01-31T09:30:00Z', or as seconds since 1970",
        ),
    ],
)
def test_what_is_no_history_is_refused(given: object, message: str) -> None:
    with pytest.raises(HistoryError) as raised:
        from_document(given)
    assert str(raised.value) == message


@given(st.text())
def test_any_text_can_stand_in_the_variable_of_commits(text: str) -> None:
    assert all(commit.time for commit in commits_of(text))


def test_the_commits_of_the_variable() -> None:
    assert commits_of("abc-1767225600 def-1767225601 none") == (
        Commit("abc", datetime(2026, 1, 1, tzinfo=UTC)),
        Commit("def", datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)),
    )


class CodePipeline:
    """CodePipeline's history, two results a page."""

    def __init__(
        self, summaries: list[dict[str, Any]], actions: dict[str, list[dict[str, Any]]]
    ) -> None:
        self.summaries = summaries
        self.actions = actions
        self.asked: list[str] = []

    def list_pipeline_executions(self, pipelineName: str, nextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        assert pipelineName == "fruit"
        self.asked.append(f"page {nextToken}")
        return self._page("pipelineExecutionSummaries", self.summaries, nextToken)

    def list_action_executions(
        self,
        pipelineName: str,  # noqa: N803
        filter: dict[str, str],
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        id = filter["pipelineExecutionId"]
        self.asked.append(id)
        return self._page("actionExecutionDetails", self.actions.get(id, []), nextToken)

    def _page(self, name: str, items: list[Any], token: str) -> dict[str, Any]:
        start = int(token)
        page: dict[str, Any] = {name: items[start : start + 2]}
        if start + 2 < len(items):
            page["nextToken"] = str(start + 2)
        return page


def test_commits_come_from_the_build_of_each_release() -> None:
    service = CodePipeline(
        [summary("e1", 10)],
        {
            "e1": [
                action("Prod-rest", 11, "Deploy"),
                action("Build", 10, "Build", DPRA_COMMITS=f"{HASH[:12]}-100 aaaaaaaaaaaa-90"),
                action("Source", 10, "Source", CommitId=HASH, AuthorDate="2020-01-01T00:00:00Z"),
            ]
        },
    )
    [execution] = read(Modelled("codepipeline", service), "fruit", production=["Prod-rest"])
    moment = datetime.fromtimestamp(100, UTC)
    assert execution.revisions == (Commit(HASH[:12], moment),)
    assert [commit.id for commit in execution.log] == [HASH[:12], "aaaaaaaaaaaa"]
    assert execution.reached_production is True


def test_without_a_clone_the_author_date_of_the_source_counts() -> None:
    actions = [action("Source", 10, "Source", CommitId=HASH, AuthorDate="2026-03-02T05:00:00Z")]
    service = CodePipeline([summary("e1", 10)], {"e1": actions})
    [execution] = read(Modelled("codepipeline", service), "fruit", production=["Prod-rest"])
    assert execution.revisions == (Commit(HASH[:12], at(5)),)
    assert (execution.log, execution.reached_production) == ((), False)


def test_without_an_author_date_the_time_at_which_the_source_found_it_counts() -> None:
    revision = [{"actionName": "Source", "revisionId": "version-7"}]
    service = CodePipeline(
        [summary("e1", 10, sourceRevisions=revision), summary("e2", 5, sourceRevisions=revision)],
        {"e1": [action("Source", 10.5, "Source", VersionId="version-7")]},
    )
    first, second = read(Modelled("codepipeline", service), "fruit")
    assert first.revisions == (Commit("version-7", at(10.5)),)
    assert second.revisions == (Commit("version-7", at(5)),)
    assert first.reached_production is None


def test_the_history_is_read_up_to_the_beginning_of_the_window_and_only_what_ended() -> None:
    service = CodePipeline(
        [
            summary("e6", 60, status="InProgress"),
            summary("e5", 50, status="Superseded"),
            summary("e4", 40, status="Failed"),
            summary("e3", 30),
            summary("e2", 20),
            summary("e1", 10),
            summary("e0", 0),
        ],
        {},
    )
    found = read(Modelled("codepipeline", service), "fruit", since=at(25))
    assert [each.id for each in found] == ["e6", "e5", "e4", "e3"]
    assert [each for each in service.asked if each.startswith("page")] == [
        "page 0",
        "page 2",
        "page 4",
    ]
    assert sorted(each for each in service.asked if each.startswith("e")) == ["e3", "e4"]


def test_what_has_not_changed_is_read_once() -> None:
    service = CodePipeline([summary("e2", 20, status="Failed"), summary("e1", 10)], {})
    known: dict[str, Execution] = {}
    client = Modelled("codepipeline", service)
    first = read(client, "fruit", known=known)
    # A retry of the failed stage ends later, and well.
    service.summaries[0] = summary("e2", 20, lastUpdateTime=at(30))
    service.asked.clear()
    second = read(client, "fruit", known=known)
    assert [each for each in service.asked if each.startswith("e")] == ["e2"]
    assert [each.status for each in (*first, *second)] == [
        "Failed",
        "Succeeded",
        "Succeeded",
        "Succeeded",
    ]
    service.summaries = []
    read(client, "fruit", known=known)
    assert known == {}


IN_LAMBDA = """
import boto3
from dpra_constructs.delivery_metrics.runtime.calculations import metrics
from dpra_constructs.delivery_metrics.runtime.history import read
from tests.delivery_metrics.long_history import LongHistory
boto3.client("codepipeline", region_name="us-west-2")
assert metrics(read(LongHistory(), "fruit")).deployments == 10_000
# Not of getrusage: that counts what the process was forked from.
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(line.split()[1])
"""


def test_ten_thousand_executions_are_read_and_computed_in_256_mib() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_LAMBDA], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 256 * 1024


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (["Source", "Build", "Beta", "Gamma", "Approve-Prod", "Prod-all"], ("Prod-all",)),
        (["Source", "Build", "Beta", "Gamma"], None),
        (["Source", "Deploy"], ("Deploy",)),
    ],
)
def test_the_stages_of_production(stages: list[str], expected: tuple[str, ...] | None) -> None:
    assert production_stages(stages) == expected

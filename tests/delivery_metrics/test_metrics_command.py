"""`dpra metrics`: from files, from AWS, as a table, as JSON and as a report."""

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from click.testing import CliRunner, Result

from dpra_constructs.cli.commands import dpra
from tests.conftest import ROOT
from tests.delivery_metrics.example_history import document
from tests.delivery_metrics.histories import BEGIN
from tests.delivery_metrics.long_history import HASH, action, summary
from tests.runtime.service_models import Modelled, client_error

KEYS = [
    "lead_time_seconds",
    "deployments",
    "deploy_frequency_per_day",
    "mtbf_seconds",
    "mttr_seconds",
    "change_failure_rate",
    "rollbacks",
]


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(dpra, ["metrics", *arguments], input=given)


@pytest.fixture
def example(tmp_path: Path) -> str:
    file = tmp_path / "example.json"
    file.write_text(json.dumps(document()))
    return str(file)


def test_the_table(example: str) -> None:
    result = run("fruit-api", "--from", example)
    assert result.exit_code == 0
    assert result.output == (
        "fruit-api: 2026-03-02 to 2026-04-09, 38.1 days, 32 executions\n"
        "  Lead time            10 h 54 min\n"
        "  Deployments          23\n"
        "  Deploy frequency     0.60 a day\n"
        "  MTBF                 9 d 7 h\n"
        "  MTTR                 17 h 20 min\n"
        "  Change failure rate  18%\n"
        "  Rollbacks            2\n"
    )


def test_json_has_these_keys_and_null_where_there_is_no_value(tmp_path: Path) -> None:
    empty = json.dumps({"pipelineExecutionSummaries": []})
    result = run("--from", "-", "--json", given=empty)
    assert result.exit_code == 0
    assert list(json.loads(result.output)) == KEYS
    assert json.loads(result.output) == {
        **dict.fromkeys(KEYS),
        "deployments": 0,
        "rollbacks": 0,
    }


def test_since_leaves_out_what_began_earlier(example: str) -> None:
    result = run("--from", example, "--since", "2026-03-31", "--json")
    found = json.loads(result.output)
    # It is day 29: of the nine executions since then, one failed on the 30th, for 1.5 hours.
    assert found["deployments"] == 9 - 1
    assert found["mttr_seconds"] == 1.5 * 3600
    days = (38 - 29) + (9 + 3) / 24
    assert found["deploy_frequency_per_day"] == pytest.approx(8 / days)


@pytest.mark.parametrize("since", ["2026-03-31T00:00:00", "2026-03-31T02:00:00+02:00"])
def test_since_takes_times_and_utc_without_a_zone(example: str, since: str) -> None:
    by_day = run("--from", example, "--since", "2026-03-31", "--json").output
    assert run("--from", example, "--since", since, "--json").output == by_day


def test_since_takes_days_back_from_now(example: str) -> None:
    assert (
        json.loads(run("--from", example, "--since", "9999d", "--json").output)["deployments"] > 0
    )


def test_a_report_is_svg_or_html(example: str, tmp_path: Path) -> None:
    for name in ("report.svg", "report.html"):
        result = run("fruit <api>", "--from", example, "--report", str(tmp_path / name))
        assert result.exit_code == 0
    picture = (tmp_path / "report.svg").read_text()
    ElementTree.fromstring(picture)
    page = (tmp_path / "report.html").read_text()
    assert picture.strip() in page
    assert "fruit &lt;api&gt;" in page
    assert page.count("<tr>") == 1 + 32
    assert "<script" not in page


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    file.write_text('{"pipelineExecutionSummaries": []}')
    result = run("--from", str(file), "--report", str(tmp_path / "r.svg"))
    assert result.output.startswith("empty: 0 executions\n  Lead time            -\n")
    assert (tmp_path / "r.svg").read_text().count("no value") == 4


def test_the_picture_in_the_docs_is_what_the_command_draws(example: str, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.svg"
    run("fruit-api", "--from", example, "--report", str(drawn))
    assert (ROOT / "docs" / "delivery-metrics.svg").read_text() == drawn.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name a PIPELINE, or a history: --from FILE"),
        (
            ["--from", "-", "--report", "r.pdf"],
            2,
            "--report r.pdf is neither .html nor .svg; name it so",
        ),
        (
            ["--from", "-", "--since", "yesterday"],
            2,
            "'yesterday' is no time; write it like 2026-01-31, 2026-01-31T09:30:00Z or 30d",
        ),
        (
            ["--from", "-"],
            1,
            "Error: -: it has no list pipelineExecutionSummaries; give what `aws codepipeline "
            "list-pipeline-executions --pipeline-name NAME` prints",
        ),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], code: int, message: str) -> None:
    result = run(*arguments, given="{}")
    assert result.exit_code == code
    assert message in result.output


def test_what_is_no_json_is_refused() -> None:
    result = run("--from", "-", given="no json")
    assert result.exit_code == 1
    assert result.output.startswith("Error: -: Expecting value")


class CodePipeline:
    """A pipeline with a production and one release."""

    stages: tuple[str, ...] = ("Source", "Build", "Prod-all")

    def get_pipeline(self, name: str) -> dict[str, Any]:
        if name != "fruit":
            raise client_error("PipelineNotFoundException", "GetPipeline")
        stages = [{"name": each, "actions": []} for each in self.stages]
        return {"pipeline": {"name": name, "roleArn": "arn:aws:iam::1:role/r", "stages": stages}}

    def list_pipeline_executions(self, **request: Any) -> dict[str, Any]:
        return {"pipelineExecutionSummaries": [summary("e1", 10)]}

    def list_action_executions(self, **request: Any) -> dict[str, Any]:
        log = f"{HASH[:12]}-{int(BEGIN.timestamp())}"
        runs = [action("Prod-all", 10, "Deploy"), action("Build", 10, "Build", DPRA_COMMITS=log)]
        return {"actionExecutionDetails": runs}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> CodePipeline:
    service = CodePipeline()

    def client(name: str, region_name: str | None) -> Modelled:
        assert (name, region_name) == ("codepipeline", "eu-central-1")
        return Modelled("codepipeline", service)

    monkeypatch.setattr(boto3, "client", client)
    return service


def test_the_history_of_a_pipeline_is_read_from_aws(service: CodePipeline) -> None:
    result = run("fruit", "--region", "eu-central-1", "--json")
    found = json.loads(result.output)
    assert found["lead_time_seconds"] == 11 * 3600
    assert found["deployments"] == 1


def test_a_pipeline_that_ends_with_gamma_has_no_deployments(service: CodePipeline) -> None:
    service.stages = ("Source", "Build", "Beta", "Gamma")
    found = json.loads(run("fruit", "--region", "eu-central-1", "--json").output)
    assert (found["deployments"], found["lead_time_seconds"]) == (0, None)


def test_a_pipeline_that_is_not_there_is_an_error(service: CodePipeline) -> None:
    result = run("apple", "--region", "eu-central-1")
    assert result.exit_code == 1
    assert result.output.startswith("Error: the history of apple cannot be read: ")
    assert "PipelineNotFoundException" in result.output


def test_missing_credentials_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def client(name: str, region_name: str | None) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(boto3, "client", client)
    result = run("fruit")
    assert result.exit_code == 1
    assert "Unable to locate credentials" in result.output


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    result = run("fruit")
    assert result.exit_code == 1
    assert result.output == (
        "Error: boto3 is not installed; run: pip install 'dpra-constructs[metrics]'\n"
    )

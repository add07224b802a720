"""`dpra rehearse` as a person runs it: a commit of a small app goes to production."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal import small_app

SECONDS = 300
REGIONS = ["us-west-2", "us-east-1", "eu-central-1"]


@dataclass(frozen=True)
class Place:
    """A folder with an app, and one for temporary files that has to be empty afterwards."""

    folder: Path

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        self.temporary.mkdir(exist_ok=True)
        return subprocess.Popen(
            [
                *(sys.executable, "-c", "from dpra_constructs.cli import main; main()"),
                *("rehearse", "--directory", str(self.folder / "app"), *arguments),
            ],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # As of a shell with job control: Ctrl-C is for this one.
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        printed, _ = process.communicate(timeout=SECONDS)
        return process.returncode, printed

    def left_behind(self) -> list[str]:
        """Return the processes and files that a rehearsal left."""
        mark = str(self.temporary).encode()
        processes = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    processes.append((folder / "cmdline").read_bytes().decode()[:200])
            except OSError:
                continue
        return [*processes, *(str(path) for path in self.temporary.iterdir())]

    def nothing_is_left(self, seconds: float = 0.0) -> bool:
        deadline = time.monotonic() + seconds
        while left := self.left_behind():
            if time.monotonic() > deadline:
                raise AssertionError(left)
            time.sleep(0.2)
        return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("rehearsal")
    small_app.commit(folder / "app", small_app.files())
    return Place(folder)


@pytest.fixture(scope="module")
def rehearsed(place: Place) -> tuple[dict[str, Any], str]:
    """The result and the output of a whole rehearsal."""
    code, printed = place.run("--approve", "--json", "result.json", "--html", "report.html")
    assert code == 0, printed
    assert place.nothing_is_left()
    return json.loads((place.folder / "result.json").read_text()), printed


@pytest.mark.rehearsal
def test_the_commit_runs_in_every_account_and_region(
    place: Place, rehearsed: tuple[dict[str, Any], str]
) -> None:
    result, _ = rehearsed
    head = small_app.git(place.folder / "app", "rev-parse", "HEAD")
    assert result["status"] == "SUCCEEDED"
    assert result["commit"] == head
    deployed = {
        (account, region): [(each["commit"], each["http_status"]) for each in stacks]
        for account, regions in result["deployed"].items()
        for region, stacks in regions.items()
    }
    places = [("222222222222", "us-west-2")]
    places += [(account, each) for account in ("333333333333", "444444444444") for each in REGIONS]
    assert deployed == {each: [(head, {"ApiUrl": 200})] for each in places}


@pytest.mark.rehearsal
def test_every_action_has_its_time_and_its_log(rehearsed: tuple[dict[str, Any], str]) -> None:
    result, _ = rehearsed
    [execution] = result["executions"]
    assert [stage["name"] for stage in execution["stages"]] == [
        *("Source", "Build", "UpdatePipeline", "Assets", "Beta", "Gamma", "Approve-Prod"),
        *("Prod-one-box", "Prod-rest"),
    ]
    for stage in execution["stages"]:
        for action in stage["actions"]:
            assert action["status"] == "Succeeded"
            assert Path(action["log"]).read_text()
    assert execution["stages"][1]["actions"][0]["seconds"] > 0
    assert result["approvals"] == [{"stage": "Approve-Prod", "action": "Approve", "approved": True}]


@pytest.mark.rehearsal
def test_the_delivery_metrics_are_published_by_the_pipelines_own_function(
    rehearsed: tuple[dict[str, Any], str],
) -> None:
    result, printed = rehearsed
    metrics = result["metrics"]
    # Commit, build, event, function, history, log: the lead time is that of the commit.
    assert metrics["LeadTime"] > result["executions"][0]["seconds"] - 1
    assert metrics["Deployments"] == 1
    assert metrics["DeployFrequency"] == pytest.approx(1 / 30)
    assert (metrics["ChangeFailureRate"], metrics["Rollbacks"]) == (0, 0)
    assert "MeanTimeToRecovery" not in metrics
    assert "Delivery metrics, read back from CloudWatch:\n  LeadTime: " in printed


@pytest.mark.rehearsal
def test_the_output_tells_what_was_done_and_what_was_not_checked(
    place: Place, rehearsed: tuple[dict[str, Any], str]
) -> None:
    _, printed = rehearsed
    assert "SUCCEEDED: fruit, commit" in printed
    # What the reviewer reads before the answer: production is empty yet, so all is added.
    assert re.search(r"\| In 3 regions: \d+ added, 0 changed, 0 replaced, 0 deleted", printed)
    assert re.search(r"\| Commit [0-9a-f]{40} by .+@", printed)
    assert re.search(r"Prod-rest +444444444444 eu-central-1 .* ApiUrl answers 200", printed)
    assert "Not checked, as the emulator does not do it:" in printed
    page = (place.folder / "report.html").read_text()
    assert "<h2>What runs where</h2>" in page
    assert "<script" not in page


@pytest.mark.rehearsal
@pytest.mark.usefixtures("rehearsed")
def test_a_rehearsal_goes_on_at_a_stage_and_is_rejected_there(place: Place) -> None:
    code, printed = place.run("--from-stage", "Approve-Prod", "--reject", "--json", "r.json")
    result = json.loads((place.folder / "r.json").read_text())
    assert code == 1, printed
    assert "Approve-Prod/Approve: rejected" in printed
    assert "Approve-Prod/Approve failed" in printed
    production = result["deployed"]["444444444444"]
    assert {stack["status"] for stacks in production.values() for stack in stacks} == {"ABSENT"}
    assert place.nothing_is_left()


@pytest.mark.rehearsal
@pytest.mark.usefixtures("rehearsed")
def test_a_kept_emulator_is_looked_at_with_the_printed_variables(place: Place) -> None:
    process = place.start("--from-stage", "Prod-rest", "--approve", "--keep")
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "export AWS_ACCESS_KEY_ID" in line:
            break
    found = re.search(r"AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)", lines[-1])
    assert found
    with urllib.request.urlopen(f"{found[1]}/_ministack/health", timeout=20) as response:
        assert response.status == 200
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert "SUCCEEDED" in printed
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{found[1]}/_ministack/health", timeout=5)
    assert place.nothing_is_left()


def begun(place: Place) -> "subprocess.Popen[str]":
    """Start at the build stage, and return while a build runs."""
    process = place.start("--from-stage", "Build", "--approve")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if any("pip" in each or "cdk" in each for each in place.left_behind()):
            return process
        time.sleep(0.1)
    raise AssertionError("no build began")


@pytest.mark.rehearsal
@pytest.mark.usefixtures("rehearsed")
@pytest.mark.parametrize(("number", "name"), [(2, "Ctrl-C"), (15, "kill")])
def test_nothing_is_left_after_an_interruption(place: Place, number: int, name: str) -> None:
    process = begun(place)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, (name, printed)
    assert "Stopped: the emulator and all builds have ended." in printed
    assert place.nothing_is_left()


@pytest.mark.rehearsal
@pytest.mark.usefixtures("rehearsed")
def test_nothing_is_left_after_a_crash(place: Place) -> None:
    process = begun(place)
    process.kill()
    process.communicate(timeout=60)
    assert place.nothing_is_left(seconds=20)


@pytest.mark.rehearsal
@pytest.mark.usefixtures("rehearsed")
def test_no_credentials_are_written(place: Place) -> None:
    for path in (place.folder / "rehearsal.out").rglob("*"):
        if path.is_file() and path.suffix in (".log", ".json"):
            assert "AWS_SESSION_TOKEN=" not in path.read_text("utf-8", "replace")

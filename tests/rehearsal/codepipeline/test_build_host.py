"""What a build has in place of a container."""

import subprocess
import threading
from pathlib import Path

from dpra_constructs.local_run.buildspec import parse_buildspec
from dpra_constructs.local_run.tools import action_tools
from dpra_constructs.rehearsal.emulator.codepipeline import build_host
from dpra_constructs.rehearsal.settings import Settings

SPEC = parse_buildspec("{version: 0.2, phases: {build: {commands: [python -m this_tool]}}}")


def run(folder: Path, settings: Settings, command: str) -> str:
    with action_tools(
        settings.cache_folder,
        owner="pipeline",
        action="Action",
        buildspec=SPEC,
        source=folder,
        stopped=threading.Event(),
    ) as tools:
        environment = build_host.environment(folder, settings, tools)
        done = subprocess.run(
            ["sh", "-c", command], env=environment, check=True, capture_output=True, text=True
        )
        tools.installed()
    return done.stdout.strip()


def test_a_build_has_its_own_python_and_not_the_tools_of_the_rehearsal(tmp_path: Path) -> None:
    settings = Settings(folder=str(tmp_path / "logs"), cache=str(tmp_path / "cache"))
    where = run(
        tmp_path / "build", settings, "command -v python; command -v pip; command -v ruff || true"
    )
    assert where.splitlines() == [
        str(next(tmp_path.glob("cache/actions/*/Action-*/venv/bin/" + name)))
        for name in ("python", "pip")
    ]
    home = run(tmp_path / "build", settings, "echo $HOME; python -c 'import boto3' || echo none")
    assert home.splitlines() == [str(tmp_path / "build" / "home"), "none"]

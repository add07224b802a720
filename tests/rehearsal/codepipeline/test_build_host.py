"""What a build has in place of a container."""

import subprocess
from pathlib import Path

from dpra_constructs.rehearsal.emulator.codepipeline import build_host
from dpra_constructs.rehearsal.settings import Settings


def test_pip_in_a_build_runs_from_byte_code_that_was_compiled_once(tmp_path: Path) -> None:
    settings = Settings(folder=str(tmp_path / "logs"), cache=str(tmp_path / "cache"))
    found = []
    for name in ("first", "second"):
        environment = build_host.environment(tmp_path / name, settings)
        [compiled] = (tmp_path / name / "python").glob(
            "lib/python*/site-packages/pip/_internal/cli/__pycache__/main.*.pyc"
        )
        before = compiled.read_bytes(), compiled.stat().st_ino
        subprocess.run(["pip", "--version"], env=environment, check=True, capture_output=True)
        assert (compiled.read_bytes(), compiled.stat().st_ino) == before
        found.append(before)
    assert found[0] == found[1]

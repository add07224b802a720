"""The program that seals, as it stands in the build's commands."""

import io
import re
import subprocess
import zipfile
from pathlib import Path

from dpra_constructs.artifact_integrity.seal_program import seal_command, seal_program

RUNTIME = Path(__file__).parents[2] / "dpra_constructs" / "artifact_integrity" / "runtime"
COMMAND = seal_command(
    pipeline="fruit-api", repository="https://acme.example/a", branch="main", sboms=[], others=[]
)


def run(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True)


def test_the_program_is_the_librarys_own_modules() -> None:
    with zipfile.ZipFile(io.BytesIO(seal_program())) as archive:
        assert len(archive.namelist()) > 5
        for name in archive.namelist():
            assert archive.read(name) == (RUNTIME / Path(name).name).read_bytes()


def test_the_command_unpacks_and_starts_it(tmp_path: Path) -> None:
    # Its options are read by the program itself, which then finds that there is no key.
    done = run(COMMAND.replace(' --key "$SIGNING_KEY"', ""), tmp_path)
    assert done.returncode != 0
    assert "the following arguments are required: --key" in done.stderr


def test_a_program_of_another_hash_is_not_started(tmp_path: Path) -> None:
    [digest] = re.findall(r"echo \"([0-9a-f]{64})  ", COMMAND)
    done = run(COMMAND.replace(digest, "0" * 64), tmp_path)
    assert done.returncode != 0
    assert "FAILED" in done.stdout + done.stderr
    assert "arguments are required" not in done.stderr


def test_a_program_that_cannot_be_unpacked_is_not_started(tmp_path: Path) -> None:
    done = run(COMMAND.replace("PROGRAM' &&\n", "PROGRAM' &&\nAAAA"), tmp_path)
    assert done.returncode != 0
    assert "arguments are required" not in done.stderr


def test_a_file_of_the_assembly_is_not_taken_for_a_module(tmp_path: Path) -> None:
    (tmp_path / "base64.py").write_text("raise SystemExit('taken')")
    (tmp_path / "argparse.py").write_text("raise SystemExit('taken')")
    (tmp_path / "sealing").mkdir()
    (tmp_path / "sealing" / "__init__.py").write_text("raise SystemExit('taken')")
    assert "taken" not in run(COMMAND, tmp_path).stderr

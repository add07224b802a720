"""An action that installs dpra-constructs gets the one that runs the build."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import dpra_constructs
from dpra_constructs.local_run.tools import library_folder
from tests.local_run.stages import action, git, stage

Run = Callable[..., Result]


def test_pip_finds_the_library_that_runs_the_build(
    run_dpra: Run, fruit: Path, tmp_path: Path
) -> None:
    (fruit / "requirements.txt").write_text("dpra-constructs==0.1.0\n")
    git(fruit, "add", "--all")
    git(fruit, "commit", "--quiet", "--message", "Need the library")
    assembly = stage(
        tmp_path / "cdk.out",
        action(
            "A",
            "pip install --quiet --no-index --no-deps --requirement requirements.txt",
            "site='import sysconfig; print(sysconfig.get_path(\"purelib\"))'",
            f'python -c "$site" >{tmp_path}/site',
        ),
    )
    result = run_dpra("build", "--assembly", str(assembly))
    assert result.exit_code == 0, result.output
    installed = Path((tmp_path / "site").read_text().strip()) / "dpra_constructs"
    package = Path(dpra_constructs.__file__).parent
    names = [
        path.relative_to(package)
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert len(names) > 100
    for name in names:
        assert (installed / name).read_bytes() == (package / name).read_bytes()


def test_the_wheel_is_made_once_for_each_state_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = ["a" * 64]
    monkeypatch.setattr("dpra_constructs.local_run.tools.library_digest", lambda: digests[-1])
    [wheel] = library_folder(tmp_path).iterdir()
    made = wheel.stat().st_mtime_ns
    assert library_folder(tmp_path) == wheel.parent
    assert wheel.stat().st_mtime_ns == made
    digests.append("b" * 64)
    assert library_folder(tmp_path) != wheel.parent
    assert not wheel.parent.exists()


def test_a_changed_library_is_installed_anew_where_it_is_needed(
    run_dpra: Run, fruit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fruit / "requirements.txt").write_text("dpra_constructs\n")
    git(fruit, "add", "--all")
    git(fruit, "commit", "--quiet", "--message", "Need the library")
    assembly = stage(
        tmp_path / "cdk.out",
        action("Needs", f"cat requirements.txt; echo $VIRTUAL_ENV >>{tmp_path}/needs"),
        action("Other", f"echo $VIRTUAL_ENV >>{tmp_path}/other"),
    )
    for digest in ("a" * 64, "a" * 64, "b" * 64):
        monkeypatch.setattr("dpra_constructs.local_run.tools.library_digest", lambda d=digest: d)
        result = run_dpra("build", "--assembly", str(assembly))
        assert result.exit_code == 0, result.output
    first, again, changed = (tmp_path / "needs").read_text().split()
    assert first == again != changed
    assert len(set((tmp_path / "other").read_text().split())) == 1

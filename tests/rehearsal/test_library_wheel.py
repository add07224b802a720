"""The wheel that builds install the library from."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dpra_constructs.library_wheel import library_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library_wheel(tmp_path_factory.mktemp("wheels"))


def test_pip_installs_it(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-deps", "--no-index", "--no-compile", "--target", str(target)]
    subprocess.run([*pip, *offline, str(wheel)], check=True)
    assert (target / "dpra_constructs" / "py.typed").exists()
    # From there it makes the same wheel, as from a checkout.
    program = (
        "import sys; from pathlib import Path; "
        "from dpra_constructs.library_wheel import library_wheel; "
        "print(library_wheel(Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={"PYTHONPATH": str(target)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    again = Path(done.stdout.strip())
    assert names(again) == names(wheel)


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_it_has_no_byte_code(wheel: Path) -> None:
    assert not [name for name in names(wheel) if "__pycache__" in name]

"""What the instance of a shell keeps."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpra_constructs.local_run.shell import Shell, ShellError

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def shell(name: str, folder: Path, environment: dict[str, str]) -> Shell:
    return Shell(
        name=name,
        environment={"PATH": os.environ["PATH"]} | environment,
        directory=folder,
        folder=folder / "shell",
        output=os.open(os.devnull, os.O_WRONLY),
        sessions=set(),
        check=lambda: None,
    )


@pytest.mark.parametrize("name", ["sh", "bash"])
@given(value=TEXT)
@settings(max_examples=25)
def test_any_value_survives_commands_that_end_the_shell(
    name: str, value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    started = shell(name, tmp_path_factory.mktemp("values"), {"A": value})
    try:
        assert started.run('B="$A"', "1.sh") == 0
        assert started.values(["A", "B", "C"]) == {"A": value, "B": value}
        assert started.run("exit 5", "2.sh") == 5
        assert started.values(["A", "B", "C"]) == {"A": value, "B": value}
    finally:
        started.finish()
        started.close()
        os.close(started.output)


def test_a_shell_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShellError, match="the shell bash is not on the PATH of the build; install"):
        Shell(
            name="bash",
            environment={"PATH": str(tmp_path)},
            directory=tmp_path,
            folder=tmp_path / "shell",
            output=1,
            sessions=set(),
            check=lambda: None,
        )

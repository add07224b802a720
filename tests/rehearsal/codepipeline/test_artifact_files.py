"""Artifacts as files: extracting keeps modes and links, and stays in its folder."""

import io
import zipfile
from pathlib import Path

import pytest

from dpra_constructs.rehearsal.emulator.codepipeline.artifacts import extract, one_file
from dpra_constructs.rehearsal.emulator.codepipeline.problems import ActionFailedError
from dpra_constructs.rehearsal.settings import (
    VARIABLE,
    GitSource,
    Settings,
    read_settings,
    write_settings,
)


def archive(**entries: tuple[str, int, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, mode, content in entries.values():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            zipped.writestr(entry, content)
    return buffer.getvalue()


def test_modes_and_links_are_kept(tmp_path: Path) -> None:
    body = archive(
        program=("bin/run", 0o100755, "#!/bin/sh"),
        link=("bin/alias", 0o120777, "run"),
    )
    extract(body, tmp_path / "out")
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/bin/alias").readlink() == Path("run")


@pytest.mark.parametrize(
    "entries",
    [
        {"up": ("../up", 0o100644, "x")},
        {"link": ("away", 0o120777, ".."), "through": ("away/up", 0o100644, "x")},
    ],
)
def test_nothing_is_written_outside(
    tmp_path: Path, entries: dict[str, tuple[str, int, str]]
) -> None:
    with pytest.raises(ActionFailedError, match="has an entry outside of it"):
        extract(archive(**entries), tmp_path / "out")
    assert not (tmp_path / "up").exists()


def test_one_file_is_the_same_each_time() -> None:
    assert one_file("a.json", b"{}") == one_file("a.json", b"{}")


def test_settings_are_read_as_they_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert read_settings() == Settings()
    given = Settings(
        sources={"acme/fruit": GitSource(repository="/repository", branch="trunk")},
        wheels=("/wheels",),
        time_scale=60.0,
    )
    write_settings(given, tmp_path / "settings.json")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "settings.json"))
    assert read_settings() == given

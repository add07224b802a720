"""The assets of an assembly: zipped when it is sealed, so that what is published was signed."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from .files import Files, files_in

#: How the names of the manifests end that say what is published where.
MANIFESTS = ".assets.json"
# Any time would do: the earliest that an archive can have.
_TIME = (1980, 1, 1, 0, 0, 0)
_EXECUTABLE, _PLAIN = 0o100755, 0o100644


def zip_assets(root: Path) -> list[str]:
    """Zip every directory that is published, and write that into the manifests of the assets.

    Args:
        root: the assembly's folder.

    Returns:
        The paths of the archives.

    Raises:
        ValueError: an asset would be built when it is published, or leaves the assembly.
    """
    archives: dict[Path, Path] = {}
    for manifest in sorted(root.rglob(f"*{MANIFESTS}")):
        content = json.loads(manifest.read_text("utf-8"))
        _refuse_what_is_built(manifest.relative_to(root).as_posix(), content)
        changed = False
        for asset in content.get("files", {}).values():
            source = asset["source"]
            if source.get("packaging") != "zip":
                continue
            folder = (manifest.parent / source["path"]).resolve()
            if not folder.is_relative_to(root.resolve()):
                raise ValueError(f"{manifest.name} publishes {source['path']}, which is outside")
            archive = folder.with_name(f"{folder.name}.zip")
            if folder not in archives:
                if not folder.exists():
                    raise ValueError(f"{manifest.name} publishes {source['path']}, which is absent")
                if archive.exists():
                    raise ValueError(f"{archive.name} is there already, beside what it would be of")
                # An asset that is one file is zipped too, where its manifest says so.
                _zip(folder, archive)
                archives[folder] = archive
            source["packaging"] = "file"
            source["path"] = PurePosixPath(os.path.relpath(archive, manifest.parent)).as_posix()
            changed = True
        if changed:
            manifest.write_text(json.dumps(content, indent=2), "utf-8")
    for folder in archives:
        if folder.is_dir():
            shutil.rmtree(folder)
    return sorted(each.relative_to(root.resolve()).as_posix() for each in archives.values())


def templates_of(files: Files) -> dict[str, str]:
    """Return the text of every template, by its path."""
    texts = {}
    for path in files.paths():
        if path.endswith(".template.json"):
            with files.open(path) as stream:
                texts[path] = stream.read().decode("utf-8")
    return texts


def _refuse_what_is_built(manifest: str, content: Mapping[str, Any]) -> None:
    for id in content.get("dockerImages", {}):
        raise ValueError(
            f"{manifest} has the image asset {id}, which would be built after the seal; build and "
            "push it by EcrPush, and deploy it by its digest"
        )
    for id, asset in content.get("files", {}).items():
        if "executable" in asset["source"]:
            raise ValueError(
                f"{manifest} has the file asset {id}, which a command would make after the seal; "
                "make it in a build action, and read its output"
            )


def _zip(source: Path, archive: Path) -> None:
    """Write the same archive for the same content, whatever its times, order and owner are."""
    inside = source.parent.resolve() if source.is_file() else source.resolve()
    found = [source] if source.is_file() else files_in(source)
    names = {path.relative_to(inside).as_posix(): path for path in found}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name, path in sorted(names.items()):
            if not path.is_file() or not path.resolve().is_relative_to(inside):
                raise ValueError(f"{source.name}/{name} is no file of the asset: a link leads out")
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3
            executable = path.stat().st_mode & 0o100
            entry.external_attr = (_EXECUTABLE if executable else _PLAIN) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as content, target.open(entry, "w") as out:
                shutil.copyfileobj(content, out)

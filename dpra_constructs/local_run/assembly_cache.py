"""Synthesizes the app's cloud assembly into the cache, when the app changed.

`cdk list --output` synthesizes without bundling assets, so that an app can leave out what its
build has to make first: there, `Stack.bundling_required` is false.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from dpra_constructs.cdk_cli import run_cdk
from dpra_constructs.cloud_assembly import AssemblyError
from dpra_constructs.isolation import without_aws
from dpra_constructs.library_wheel import library_digest
from dpra_constructs.local_run.cache_folder import CacheFolder
from dpra_constructs.local_run.working_copy import Repository, files_of, without_git

# Libraries that decide on what an app in Python synthesizes to, beside this one.
_LIBRARIES = ("aws-cdk-lib", "constructs")


def synthesized_assembly(
    app: Path,
    repository: Repository,
    cache: CacheFolder,
    environment: Mapping[str, str],
    *,
    afresh: bool = False,
) -> Path:
    """Return the cloud assembly of an app, from the cache unless the app changed.

    It changed when the name, size or time of a file of the working tree is another one, or when
    this library changed; files that git ignores do not count.

    Args:
        app: the folder of `cdk.json`.
        repository: the repository that it stands in.
        cache: the cache folder.
        environment: the caller's variables.
        afresh: synthesize in any case.

    Raises:
        AssemblyError: there is no `cdk.json`.
        CdkError: the CDK CLI is not there or fails.
        CacheError: the cache folder cannot be used.
    """
    app = app.resolve()
    if not (app / "cdk.json").is_file():
        raise AssemblyError(
            f"{app} has no cdk.json; give the app's folder by --directory, or a cloud assembly "
            "by --assembly"
        )
    cache.make()
    key = hashlib.sha256(str(app).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = cache.path / "assemblies" / key
    state = _state(repository)
    stamp = folder / "state"
    assembly = folder / "cdk.out"
    if not afresh and stamp.is_file() and stamp.read_text() == state and assembly.is_dir():
        return assembly
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # The validation of templates takes most of the time, and is done in the pipeline's synth.
    variables = without_aws(without_git(environment)) | {"CDK_VALIDATION": "false"}
    run_cdk(["list", "--output", str(assembly)], variables, app)
    if not (assembly / "manifest.json").is_file():
        raise AssemblyError(f"the app in {app} has no stacks")
    stamp.write_text(state)
    return assembly


def _state(repository: Repository) -> str:
    entries = json.dumps([library_digest(), *_versions(), *_files(repository)])
    return hashlib.sha256(entries.encode("utf-8", "surrogateescape")).hexdigest()


def _versions() -> Iterator[str]:
    for library in _LIBRARIES:
        try:
            yield f"{library} {metadata.version(library)}"
        except metadata.PackageNotFoundError:
            continue


def _files(repository: Repository) -> Iterator[tuple[str, int, int]]:
    for name in files_of(repository):
        try:
            status = (repository.folder / name).lstat()
        except OSError:
            continue  # deleted, and so not in the list
        yield name, status.st_size, status.st_mtime_ns

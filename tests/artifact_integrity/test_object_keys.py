"""Published objects are named by their SHA-256, and the templates that deploy them say so."""

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dpra_constructs.artifact_integrity.runtime.assets import zip_assets
from dpra_constructs.artifact_integrity.runtime.files import Folder, digests_of
from dpra_constructs.artifact_integrity.runtime.object_keys import name_by_content
from tests.conftest import Synthesized

# What the CDK would have named them by.
FOLDER, PROGRAM, NESTED, TEMPLATE = (digit * 64 for digit in "abcd")
REGIONS = ("us-west-2", "eu-central-1")


def package(root: Path) -> None:
    zip_assets(root)
    name_by_content(root)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_assembly(root: Path) -> Path:
    """Write an assembly: a pipeline stack, and an application in two regions."""
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"asset.{FOLDER}"
    (folder / "lib").mkdir(parents=True)
    (folder / "handler.py").write_text("print('fruit')\n")
    (folder / "lib" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "lib" / "run.sh").chmod(0o755)
    (root / f"asset.{PROGRAM}.jar").write_bytes(b"jar")
    nested = {}
    for region in REGIONS:
        name = f"assembly-Gamma-{region}"
        _write_stage(root / name, region)
        nested[name] = {
            "type": "cdk:cloud-assembly",
            "properties": {"directoryName": name, "displayName": f"Gamma/{region}"},
        }
    _write(root / "manifest.json", {"version": "55.0.0", "artifacts": nested})
    return root


def _write_stage(folder: Path, region: str) -> None:
    folder.mkdir()
    template = {
        "Function": {"S3Key": f"{FOLDER}.zip"},
        "Program": f"s3://assets/{PROGRAM}.jar",
        "Nested": {"Fn::Join": ["", ["https://s3/", f"{NESTED}.json"]]},
        "Region": region,
    }
    _write(folder / "Api.template.json", template)
    nested = {"Function": {"S3Key": f"{FOLDER}.zip"}}
    _write(folder / "ApiNested.nested.template.json", nested)
    files = {
        FOLDER: (f"../asset.{FOLDER}", "zip", "zip"),
        PROGRAM: (f"../asset.{PROGRAM}.jar", "file", "jar"),
        NESTED: ("ApiNested.nested.template.json", "file", "json"),
        TEMPLATE: ("Api.template.json", "file", "json"),
    }
    assets = {
        id: {
            "source": {"path": path, "packaging": packaging},
            "destinations": {
                f"333333333333-{region}": {
                    "bucketName": f"cdk-hnb659fds-assets-333333333333-{region}",
                    "objectKey": f"{id}.{extension}",
                    "region": region,
                    "assumeRoleArn": "arn:${AWS::Partition}:iam::333333333333:role/"
                    f"cdk-hnb659fds-file-publishing-role-333333333333-{region}",
                }
            },
        }
        for id, (path, packaging, extension) in files.items()
    }
    _write(folder / "Api.assets.json", {"version": "55.0.0", "files": assets, "dockerImages": {}})
    bucket = f"s3://cdk-hnb659fds-assets-333333333333-{region}"
    artifacts = {
        "Api.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Api.assets.json"}},
        "Api": {
            "type": "aws:cloudformation:stack",
            "properties": {
                "templateFile": "Api.template.json",
                "stackTemplateAssetObjectUrl": f"{bucket}/{TEMPLATE}.json",
            },
            "dependencies": ["Api.assets"],
        },
    }
    _write(folder / "manifest.json", {"version": "55.0.0", "artifacts": artifacts})


def _write(file: Path, document: Any) -> None:
    file.write_text(json.dumps(document, indent=1))


def stage(root: Path, region: str = REGIONS[0]) -> Path:
    return root / f"assembly-Gamma-{region}"


def test_a_folder_is_published_as_a_zip_file(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    package(root)
    for region in REGIONS:
        asset = json.loads((stage(root, region) / "Api.assets.json").read_text())["files"][FOLDER]
        assert asset["source"] == {"path": f"../asset.{FOLDER}.zip", "packaging": "file"}
    assert not (root / f"asset.{FOLDER}").exists()
    with zipfile.ZipFile(root / f"asset.{FOLDER}.zip") as archive:
        assert archive.namelist() == ["handler.py", "lib/run.sh"]
        modes = [oct(each.external_attr >> 16) for each in archive.infolist()]
        assert modes == ["0o100644", "0o100755"]


def test_each_object_is_named_by_its_own_sha256(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    package(root)
    for region in REGIONS:
        folder = stage(root, region)
        files = json.loads((folder / "Api.assets.json").read_text())["files"]
        assert set(files) == {FOLDER, PROGRAM, NESTED, TEMPLATE}  # CDK Pipelines asks by these
        for asset in files.values():
            [destination] = asset["destinations"].values()
            source = folder / asset["source"]["path"]
            assert destination["objectKey"].partition(".")[0] == sha256(source)


def test_templates_name_the_objects_that_are_published(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    package(root)
    folder = stage(root)
    zipped, program = sha256(root / f"asset.{FOLDER}.zip"), sha256(root / f"asset.{PROGRAM}.jar")
    nested = folder / "ApiNested.nested.template.json"
    template = folder / "Api.template.json"
    assert json.loads(nested.read_text()) == {"Function": {"S3Key": f"{zipped}.zip"}}
    assert json.loads(template.read_text()) == {
        "Function": {"S3Key": f"{zipped}.zip"},
        "Program": f"s3://assets/{program}.jar",
        "Nested": {"Fn::Join": ["", ["https://s3/", f"{sha256(nested)}.json"]]},
        "Region": REGIONS[0],
    }
    stack = json.loads((folder / "manifest.json").read_text())["artifacts"]["Api"]["properties"]
    assert stack["stackTemplateAssetObjectUrl"].endswith(f"/{sha256(template)}.json")


def test_a_key_keeps_its_prefix(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    assets = stage(root) / "Api.assets.json"
    assets.write_text(assets.read_text().replace(f'"{FOLDER}.zip"', f'"deploy-time/{FOLDER}.zip"'))
    package(root)
    [destination] = json.loads(assets.read_text())["files"][FOLDER]["destinations"].values()
    assert destination["objectKey"] == f"deploy-time/{sha256(root / f'asset.{FOLDER}.zip')}.zip"


def test_packaging_twice_changes_nothing(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    package(root)
    once = digests_of(Folder(root))
    package(root)
    assert digests_of(Folder(root)) == once


def test_two_builds_in_two_folders_have_the_same_manifest(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "another/deeper"):
        root = write_assembly(tmp_path / name)
        for file in root.rglob("*"):
            os.utime(file, (len(name), len(name)))
        package(root)
        digests.add(frozenset(digests_of(Folder(root)).items()))
    assert len(digests) == 1


def test_the_example_is_packaged_whole(fruit_api: Synthesized, tmp_path: Path) -> None:
    root = tmp_path / "cdk.out"
    shutil.copytree(fruit_api.folder, root)
    package(root)
    published = 0
    for manifest in root.rglob("*.assets.json"):
        for asset in json.loads(manifest.read_text())["files"].values():
            assert asset["source"]["packaging"] == "file"
            source = manifest.parent / asset["source"]["path"]
            for destination in asset["destinations"].values():
                assert destination["objectKey"].startswith(sha256(source))
                published += 1
    assert published > 20


def asset(root: Path) -> Path:
    return root / f"asset.{FOLDER}"


def names_of(root: Path) -> list[str]:
    with zipfile.ZipFile(root / f"asset.{FOLDER}.zip") as archive:
        return archive.namelist()


def test_links_within_an_asset_are_followed(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    (asset(root) / "linked.py").symlink_to("handler.py")
    (asset(root) / "linked").symlink_to("lib", target_is_directory=True)
    zip_assets(root)
    assert names_of(root) == ["handler.py", "lib/run.sh", "linked.py", "linked/run.sh"]


def test_a_link_out_of_an_asset_is_refused(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    (asset(root) / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="/passwd is no file of the asset: a link leads out"):
        zip_assets(root)


def test_a_link_to_a_folder_outside_is_refused(tmp_path: Path) -> None:
    root = write_assembly(tmp_path / "cdk.out")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_text("1")
    (asset(root) / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(ValueError, match="/more/a is no file of the asset: a link leads out"):
        zip_assets(root)


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    (asset(root) / "other").mkdir()
    (asset(root) / "other" / "a").symlink_to(asset(root) / "lib", target_is_directory=True)
    (asset(root) / "lib" / "b").symlink_to(asset(root) / "other", target_is_directory=True)
    with pytest.raises(ValueError, match=r"/[ab] is a link that leads to itself"):
        zip_assets(root)


def test_an_absent_folder_is_no_empty_archive(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    shutil.rmtree(asset(root))
    with pytest.raises(ValueError, match=r"publishes \.\./asset\.a+, which is absent"):
        zip_assets(root)


def test_an_archive_beside_its_folder_is_not_overwritten(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    (root / f"asset.{FOLDER}.zip").write_text("another")
    with pytest.raises(ValueError, match=r"\.zip is there already, beside what it would be of"):
        zip_assets(root)


def test_a_key_of_another_form_stays(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    assets = stage(root) / "Api.assets.json"
    assets.write_text(assets.read_text().replace(f'"{PROGRAM}.jar"', '"programs/latest.jar"'))
    package(root)
    [place] = json.loads(assets.read_text())["files"][PROGRAM]["destinations"].values()
    assert place["objectKey"] == "programs/latest.jar"


def test_nested_templates_are_named_from_the_inside(tmp_path: Path) -> None:
    root = write_assembly(tmp_path)
    before = (stage(root) / "Api.template.json").read_text()
    (asset(root) / "handler.py").write_text("print('another')\n")
    package(root)
    nested = stage(root) / "ApiNested.nested.template.json"
    assert f"{sha256(nested)}.json" in (stage(root) / "Api.template.json").read_text()
    assert f"{NESTED}.json" in before


def test_other_bytes_under_the_same_source_hash_get_another_key(tmp_path: Path) -> None:
    """A build that is not reproducible publishes what it made, not what is there already."""
    keys = set()
    for name in ("one", "two"):
        root = write_assembly(tmp_path / name)
        (asset(root) / "handler.py").write_text(f"print({name!r})\n")
        package(root)
        files = json.loads((stage(root) / "Api.assets.json").read_text())["files"]
        keys |= {each["objectKey"] for each in files[FOLDER]["destinations"].values()}
    assert len(keys) == 2

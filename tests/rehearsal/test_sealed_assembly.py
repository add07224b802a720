"""A sealed assembly, in the hands of the tools that publish and deploy it."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

from dpra_constructs.artifact_integrity.runtime.files import Folder
from dpra_constructs.artifact_integrity.runtime.published import published_files
from dpra_constructs.artifact_integrity.runtime.seal import seal
from dpra_constructs.cdk_cli import run_cdk
from dpra_constructs.rehearsal.assembly import Place, read_assembly
from dpra_constructs.rehearsal.bootstrap import bootstrap
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import child_environment
from dpra_constructs.rehearsal.self_tests import run_self_tests
from dpra_constructs.rehearsal.server import emulator
from tests.artifact_integrity.sealing import PROVENANCE
from tests.conftest import Synthesized

pytestmark = pytest.mark.rehearsal

BETA = Place("222222222222", "us-west-2")
BUCKET = f"cdk-hnb659fds-assets-{BETA.account}-{BETA.region}"


@dataclass(frozen=True)
class Sealed:
    """The example's assembly, sealed, and an emulator in which beta is bootstrapped."""

    root: Path
    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What a build of the pipeline's account has."""
        return child_environment(endpoint=self.endpoint, account="111111111111", region="us-west-2")

    def published(self) -> dict[str, bytes]:
        """Return what is in beta's bucket, by its key."""
        s3 = client("s3", self.endpoint, BETA)
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


@pytest.fixture(scope="module")
def sealed(fruit_api: Synthesized, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    root = Path(shutil.copytree(fruit_api.folder, tmp_path_factory.mktemp("sealed") / "cdk.out"))
    seal(root, PROVENANCE, signer=CryptoSigner.generate_ecdsa())
    with emulator() as endpoint:
        run_self_tests(endpoint)
        bootstrap(replace(read_assembly(root), places=(BETA,)), endpoint)
        yield Sealed(root, endpoint)


def test_the_build_that_publishes_assets_publishes_what_was_sealed(sealed: Sealed) -> None:
    [buildspec] = sealed.root.glob("buildspec-*-FileAsset.yaml")
    phases = json.loads(buildspec.read_text())["phases"]
    [publish] = [each for each in phases["build"]["commands"] if BETA.account in each]
    # In a copy of its own, as every action gets one of the artifact.
    copy = shutil.copytree(sealed.root, sealed.root.parent / "publishing")
    for command in [*phases["pre_build"]["commands"], publish]:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=copy,
            env=sealed.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    wanted = {
        each.key: (sealed.root / each.path).read_bytes()
        for each in published_files(Folder(sealed.root), partition="aws")
        if (each.account, each.region) == (BETA.account, BETA.region)
        and not each.path.endswith(".template.json")
    }
    found = sealed.published()
    assert wanted
    assert wanted.items() <= found.items()
    for key, body in found.items():
        assert key.partition(".")[0] == hashlib.sha256(body).hexdigest()


def test_the_cdk_cli_deploys_it(sealed: Sealed) -> None:
    [stage] = sealed.root.glob("assembly-*-Beta-*")
    options = ["--all", "--app", str(stage), "--require-approval", "never"]
    run_cdk(["deploy", *options, "--progress", "events"], sealed.environment)
    stacks = client("cloudformation", sealed.endpoint, BETA).describe_stacks()["Stacks"]
    states = {each["StackName"]: each["StackStatus"] for each in stacks}
    assert states.pop("CDKToolkit") == "CREATE_COMPLETE"
    assert states
    assert set(states.values()) == {"CREATE_COMPLETE"}
    assert_functions_run_what_was_sealed(sealed)


def assert_functions_run_what_was_sealed(sealed: Sealed) -> None:
    digests = {hashlib.sha256(body).digest() for body in sealed.published().values()}
    [template] = sealed.root.glob("assembly-*-Beta-*/*.template.json")
    resources: dict[str, Any] = json.loads(template.read_text())["Resources"]
    keys = {
        each["Properties"]["Code"]["S3Key"]
        for each in resources.values()
        if each["Type"] == "AWS::Lambda::Function" and "S3Key" in each["Properties"]["Code"]
    }
    assert keys
    assert keys <= sealed.published().keys()
    assert {bytes.fromhex(key.partition(".")[0]) for key in keys} <= digests

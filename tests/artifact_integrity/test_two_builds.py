"""The example, synthesized twice from the same files in two folders, seals to the same manifest."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

from dpra_constructs.artifact_integrity.runtime.manifest import ENVELOPE, MANIFEST
from dpra_constructs.artifact_integrity.runtime.seal import seal
from tests.artifact_integrity.sealing import PROVENANCE
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "fruit_api"


def sealed_build(folder: Path) -> Path:
    """Synthesize the example from a copy, as `cdk synth` runs it, and seal what comes of it."""
    source = folder / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("cdk.out", "__pycache__"))
    for file in source.rglob("*"):
        os.utime(file, (time.time(), time.time()))
    context = json.loads((source / "cdk.json").read_text())["context"]
    root = folder / "cdk.out"
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(root),
        "CDK_CONTEXT_JSON": json.dumps(context),
        # Sets are walked in another order.
        "PYTHONHASHSEED": str(len(folder.name)),
    }
    subprocess.run([sys.executable, "app.py"], cwd=source, env=environment, check=True)
    seal(root, PROVENANCE, signer=CryptoSigner.generate_ecdsa())
    return root


def test_two_builds_of_the_example_in_two_folders_have_the_same_manifest(tmp_path: Path) -> None:
    first = sealed_build(tmp_path / "one")
    second = sealed_build(tmp_path / "deeper" / "another")
    listed = [json.loads((root / MANIFEST).read_text())["files"] for root in (first, second)]
    assert listed[0] == listed[1]
    assert len(listed[0]) > 50
    assert (first / MANIFEST).read_bytes() == (second / MANIFEST).read_bytes()
    # The signatures are by two keys.
    assert (first / ENVELOPE).read_bytes() != (second / ENVELOPE).read_bytes()

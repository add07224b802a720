"""Deploys the pipelines of a CDK app to an emulator on this machine, and reads them back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory

from dpra_constructs.rehearsal.assembly import Assembly, PipelineStack, read_assembly
from dpra_constructs.rehearsal.bootstrap import bootstrap
from dpra_constructs.rehearsal.cdk import cdk
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import child_environment, refuse_other_endpoints
from dpra_constructs.rehearsal.pipeline_view import PipelineView, view
from dpra_constructs.rehearsal.self_tests import run_self_tests
from dpra_constructs.rehearsal.server import emulator

#: What a rehearsal says nothing about; shown next to its result.
NOT_CHECKED = (
    "the pipeline is deployed and read back; it is not run",
    "KMS keys on reading S3 objects",
    "iam:PassRole, and the policy of the CloudFormation execution role",
    "request signatures, and TLS",
    "what these resources do, as they are only recorded: pipelines, report groups, connections, "
    "canaries, CodeDeploy",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What came of a rehearsal: pipelines, how many places were bootstrapped, seconds by step."""

    pipelines: tuple[PipelineView, ...]
    place_count: int
    seconds: dict[str, float]


def rehearse(
    *,
    folder: Path,
    assembly: Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Rehearsal:
    """Deploy every pipeline stack of an app to the emulator.

    Nothing leaves this machine: processes get no credentials of the caller, and the address of
    the emulator is checked to be a loopback one.

    Args:
        folder: where the app's `cdk.json` is.
        assembly: a cloud assembly to take instead of synthesizing the app.
        progress: called with the name of each step when it begins.

    Raises:
        RehearsalError: a step failed; the message says which and why.
    """
    refuse_other_endpoints(environ)
    seconds: dict[str, float] = {}

    with ExitStack() as stack:

        def step(name: str) -> None:
            progress(name)
            now = time.monotonic()
            if seconds:
                last = next(reversed(seconds))
                seconds[last] = now - seconds[last]
            seconds[name] = now

        step("Synthesize" if assembly is None else "Read the cloud assembly")
        if assembly is None:
            temporary = stack.enter_context(TemporaryDirectory(prefix="dpra-rehearsal-"))
            assembly = Path(temporary) / "cdk.out"
            cdk(["synth", "--quiet", "--output", str(assembly)], folder=folder)
        app = read_assembly(assembly.resolve())
        step("Start the emulator")
        endpoint = stack.enter_context(emulator())
        run_self_tests(endpoint)
        step(f"Bootstrap {len(app.places)} accounts and regions")
        bootstrap(app, endpoint)
        pipelines: list[PipelineView] = []
        for pipeline_stack in app.pipeline_stacks:
            step(f"Deploy {pipeline_stack.id}")
            _deploy(app, pipeline_stack, endpoint)
            pipelines.extend(_read_back(pipeline_stack, endpoint))
        step("End the emulator")
    last = next(reversed(seconds))
    seconds[last] = time.monotonic() - seconds[last]
    return Rehearsal(pipelines=tuple(pipelines), place_count=len(app.places), seconds=seconds)


def _deploy(app: Assembly, stack: PipelineStack, endpoint: str) -> None:
    arguments = [
        *("deploy", stack.id),
        *("--app", str(app.folder)),
        *("--require-approval", "never"),
        *("--concurrency", "8"),
        *("--progress", "events"),
    ]
    cdk(
        arguments,
        child_environment(
            endpoint=endpoint, account=stack.place.account, region=stack.place.region
        ),
        # Nothing is to be written beside the assembly.
        folder=app.folder,
    )


def _read_back(stack: PipelineStack, endpoint: str) -> list[PipelineView]:
    codepipeline = client("codepipeline", endpoint, stack.place)
    return [
        view(
            codepipeline.get_pipeline(name=name)["pipeline"],
            stack.place.account,
            stack.place.region,
        )
        for name in stack.pipelines
    ]

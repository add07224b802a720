"""Takes a commit through every stage of an app's pipeline, on an emulator on this machine."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dpra_constructs.cdk_cli import CdkProcess, run_cdk
from dpra_constructs.errors import RehearsalError
from dpra_constructs.library_wheel import library_wheel
from dpra_constructs.pipeline.stage_conditions import CALENDAR_FUNCTION
from dpra_constructs.rehearsal.assembly import Assembly, PipelineStack, Place, read_assembly
from dpra_constructs.rehearsal.bootstrap import bootstrap
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.deployed_versions import DeployedVersion, read_versions
from dpra_constructs.rehearsal.execution_record import ExecutionRecord
from dpra_constructs.rehearsal.following import Answered, Follower, Watcher
from dpra_constructs.rehearsal.function_profiles import make_function_profiles
from dpra_constructs.rehearsal.isolation import (
    child_environment,
    refuse_ambient_credentials,
    refuse_other_endpoints,
)
from dpra_constructs.rehearsal.output_folder import OutputFolder
from dpra_constructs.rehearsal.pipeline_api import PipelineApi
from dpra_constructs.rehearsal.pipeline_view import PipelineView, view
from dpra_constructs.rehearsal.published_metrics import read_published_metrics
from dpra_constructs.rehearsal.self_tests import run_self_tests
from dpra_constructs.rehearsal.server import emulator, save_state
from dpra_constructs.rehearsal.settings import GitSource, Settings, write_settings
from dpra_constructs.rehearsal.source_repository import (
    SourceRepository,
    make_source,
    open_source,
)

#: How many minutes of a bake pass in one, unless it is said: an hour in six seconds.
TIMES_AS_FAST = 600.0
#: What a rehearsal says nothing about; shown next to its result.
NOT_CHECKED = (
    "the containers of CodeBuild: builds run on this machine, with its programs and its network",
    "the policy of the CloudFormation execution role, service control policies, permission "
    "boundaries, and quotas",
    "request signatures, those of AWS Signer, and TLS",
    "the push that starts the pipeline: the execution is started by the API",
    "what these do, as they are only recorded: connections, report groups, notification rules, "
    "canaries of browsers, of other code or with secrets, CodeDeploy on servers and for ECS",
    "CodeDeploy itself, where it shifts the traffic of a function: the emulator does that, by the "
    "steps and with the alarms of the deployment group, without its hooks",
    "alarms on anomaly detection and Metrics Insights; metrics of other services than Lambda, "
    "API Gateway and Synthetics",
    "the times that things take in AWS",
)
# The keys of a source action's configuration that name its repository.
_REPOSITORY_KEYS = ("FullRepositoryId", "RepositoryName", "S3Bucket")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What came of a rehearsal.

    Args:
        pipeline: the pipeline's structure, read back after its deployment.
        source: what was rehearsed.
        executions: the executions that were followed, as they ended.
        answered: the approvals, with their answers.
        versions: what runs in each account and region, read back at the end.
        seconds: how long each step took.
        place_count: how many accounts and regions were bootstrapped.
        problems: why this is no success; empty when it is one.
        logs: the folder with the logs of actions.
        metrics: the delivery metrics that the pipeline has published, read back from CloudWatch;
            None where it publishes none.
    """

    pipeline: PipelineView
    source: SourceRepository
    executions: tuple[ExecutionRecord, ...]
    answered: tuple[Answered, ...]
    versions: tuple[DeployedVersion, ...]
    seconds: Mapping[str, float]
    place_count: int
    problems: tuple[str, ...]
    logs: Path
    metrics: Mapping[str, float] | None = None

    @property
    def status(self) -> str:
        """`SUCCEEDED` or `FAILED`."""
        return "FAILED" if self.problems else "SUCCEEDED"

    def name_of(self, commit: str) -> str:
        """Return a commit as the app's own repository names it."""
        if commit == self.source.commit and self.source.original:
            return self.source.original
        return commit


@dataclass(kw_only=True)
class Stopwatch:
    """Measures the steps of a rehearsal, one after the other."""

    watcher: Watcher
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no step."""
        self._step, self._since = "", 0.0

    def begin(self, step: str) -> None:
        """End the step before, and begin another."""
        self.end()
        self.watcher.step(step)
        self._step, self._since = step, time.monotonic()

    def end(self) -> None:
        """End the last step."""
        if self._step:
            taken = self.seconds.get(self._step, 0.0) + time.monotonic() - self._since
            self.seconds[self._step] = round(taken, 1)
        self._step = ""


@dataclass(kw_only=True)
class Emulation:
    """A running emulator in which a pipeline is deployed."""

    endpoint: str
    output: OutputFolder
    settings: Settings
    api: PipelineApi
    stack: PipelineStack
    source: SourceRepository
    place_count: int
    watcher: Watcher

    def client(self, service: str, region: str) -> Any:
        """Return a client in the tools account, in a region."""
        return client(service, self.endpoint, Place(self.api.place.account, region))

    def change_settings(self, **changes: object) -> None:
        """Tell the executor something new; what runs already keeps to the old."""
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        write_settings(self.settings, self.output.settings)

    def entry_rules(self, provider: str) -> list[dict[str, str]]:
        """Return the configurations of the rules of a type that let executions into stages."""
        return [
            rule["configuration"]
            for stage in self.api.declaration()["stages"]
            for condition in (stage.get("beforeEntry") or {}).get("conditions", ())
            for rule in condition.get("rules", ())
            if rule["ruleTypeId"]["provider"] == provider
        ]

    def calendars(self) -> list[str]:
        """Return the change calendars that have to be open, by name or ARN."""
        function = f"{self.api.name}-{CALENDAR_FUNCTION}"
        asked = [
            json.loads(rule["UserParameters"])["calendars"]
            for rule in self.entry_rules("LambdaInvoke")
            if rule["FunctionName"] == function
        ]
        return list(dict.fromkeys(name for names in asked for name in names))

    def view(self) -> PipelineView:
        """Return the pipeline's structure as it is now."""
        place = self.api.place
        return view(self.api.declaration(), place.account, place.region)

    def follower(self, save: Callable[[str], None] | None = None) -> Follower:
        """Return what follows executions."""
        return Follower(api=self.api, logs=self.output.logs, watcher=self.watcher, save=save)

    def save(self, stage: str) -> None:
        """Save the state in front of a stage."""
        save_state(self.endpoint, self.output.state(stage))

    def versions(self, known: Mapping[str, str] | None = None) -> tuple[DeployedVersion, ...]:
        """Read back what runs where; `known` as in `read_versions`."""
        return read_versions(self.api, known)


def rehearse(
    *,
    folder: Path,
    output: Path,
    watcher: Watcher,
    commit: str = "HEAD",
    pipeline: str | None = None,
    assembly: Path | None = None,
    from_stage: str | None = None,
    save_states: bool = True,
    keep: Callable[[Emulation, Rehearsal], None] | None = None,
    time_scale: float = TIMES_AS_FAST,
    at: str = "",
) -> Rehearsal:
    """Take a commit through a pipeline, from its source to its last stage.

    Nothing leaves this machine: processes get no credentials of the caller, and the address of
    the emulator is checked to be a loopback one.

    Args:
        folder: where the app's `cdk.json` is.
        output: the folder that is written: logs, the source repository, saved states.
        watcher: what is told and asked.
        commit: what is rehearsed, as git understands it.
        pipeline: its name, where an app has several.
        assembly: a cloud assembly to deploy the pipeline from, instead of synthesizing the app.
        from_stage: start at this stage, from the state that the last rehearsal saved.
        save_states: save the state in front of each stage.
        keep: called while the emulator still runs.
        time_scale: how many minutes of a bake pass in one.
        at: when the release comes to deployment windows and change calendars, in ISO 8601 with an
            offset; without it they count as open.

    Raises:
        RehearsalError: a step failed; the message says which and why.
    """
    stopwatch, output = Stopwatch(watcher=watcher), output.resolve()
    if from_stage:
        opened = from_saved_state(
            OutputFolder(output), from_stage, watcher, stopwatch, time_scale=time_scale
        )
    else:
        opened = deployed(
            folder=folder,
            output=OutputFolder(output),
            watcher=watcher,
            stopwatch=stopwatch,
            commit=commit,
            pipeline=pipeline,
            assembly=assembly,
            time_scale=time_scale,
        )
    with opened as emulation:
        if at:
            emulation.change_settings(at=at)
        elif emulation.entry_rules("DeploymentWindow") or emulation.calendars():
            watcher.note(
                "deployment windows and change calendars count as open; --at says when the "
                "release comes"
            )
        follower = emulation.follower(emulation.save if save_states else None)
        if from_stage:
            execution_id = _waiting(emulation.api, from_stage)
            emulation.api.let_in(from_stage)
        else:
            if save_states:
                follower.hold_stages()
            execution_id = emulation.api.start()
        stopwatch.begin(f"Execution {execution_id}")
        record = follower.follow(execution_id)
        stopwatch.begin("Read back what runs where")
        result = result_of(emulation, follower, [record], stopwatch)
        if keep:
            keep(emulation, result)
        stopwatch.begin("End the emulator")
    stopwatch.end()
    return replace(result, seconds=dict(stopwatch.seconds))


def result_of(
    emulation: Emulation,
    follower: Follower,
    records: Sequence[ExecutionRecord],
    stopwatch: Stopwatch,
) -> Rehearsal:
    """Read back what runs where, and say what is wrong with it."""
    versions = emulation.versions()
    [*_, last] = records
    return Rehearsal(
        pipeline=follower.view,
        source=emulation.source,
        executions=tuple(records),
        answered=tuple(follower.answered),
        versions=versions,
        seconds=dict(stopwatch.seconds),
        place_count=emulation.place_count,
        problems=tuple(_problems(last, versions, emulation.source)),
        logs=emulation.output.logs,
        metrics=read_published_metrics(emulation.api),
    )


def _problems(
    record: ExecutionRecord, versions: Sequence[DeployedVersion], source: SourceRepository
) -> Iterator[str]:
    if record.status != "Succeeded":
        yield record.summary or f"execution {record.id} is {record.status}"
        return
    for version in versions:
        where = f"{version.stack} in {version.place.account}, {version.place.region}"
        if version.commit != source.commit:
            yield f"{where} does not run the commit: it is {version.status}"
        for problem in version.problems:
            yield f"{where}: {problem}"


@contextmanager
def deployed(
    *,
    folder: Path,
    output: OutputFolder,
    watcher: Watcher,
    stopwatch: Stopwatch,
    commit: str = "HEAD",
    pipeline: str | None = None,
    assembly: Path | None = None,
    untrusted: Sequence[str] = (),
    time_scale: float = TIMES_AS_FAST,
) -> Iterator[Emulation]:
    """Start the emulator, bootstrap what the app deploys to, and deploy the pipeline.

    Args:
        folder: where the app's `cdk.json` is.
        output: the folder that is written.
        watcher: what is told.
        stopwatch: what measures.
        commit: the tip of the source's trunk.
        pipeline: its name, where an app has several.
        assembly: to deploy from, instead of synthesizing the app.
        untrusted: accounts whose bootstrap does not trust the tools account.
        time_scale: how many minutes of a bake pass in one.

    Raises:
        RehearsalError: a step failed.
    """
    refuse_other_endpoints(os.environ)
    refuse_ambient_credentials(os.environ)
    with ExitStack() as stack:
        stopwatch.begin("Read the commit" if assembly else "Read the commit, synthesize the app")
        if assembly:
            read_assembly(assembly.resolve())
        output.make()
        # Synthesizing takes longest, so the emulator starts meanwhile.
        synth = None if assembly else stack.enter_context(_synthesis(folder, output.assembly))
        source = make_source(folder, output.source, commit)
        for note in source.notes:
            watcher.note(note)
        if time_scale != 1:
            watcher.note(f"bakes pass {time_scale:g} times as fast as in AWS")
        library_wheel(output.wheels)
        settings = Settings(
            folder=str(output.logs.resolve()),
            cache=str(_cache()),
            wheels=(str(output.wheels.resolve()),),
        )
        write_settings(settings, output.settings)
        endpoint = stack.enter_context(emulator(settings=output.settings, time_scale=time_scale))
        run_self_tests(endpoint)
        app = read_assembly(synth() if synth else (assembly or Path()).resolve())
        chosen, name = choose_pipeline(app, pipeline)
        stopwatch.begin(f"Bootstrap {len(app.places)} accounts and regions")
        bootstrap(app, endpoint, untrusted)
        make_function_profiles(app, endpoint)
        stopwatch.begin(f"Deploy {chosen.id}")
        deploy(app, chosen, endpoint)
        emulation = Emulation(
            endpoint=endpoint,
            output=output,
            settings=settings,
            api=PipelineApi(name=name, place=chosen.place, endpoint=endpoint),
            stack=chosen,
            source=source,
            place_count=len(app.places),
            watcher=watcher,
        )
        emulation.change_settings(sources=_sources(emulation.api, source))
        output.write_known(
            {
                "pipeline": name,
                "stack": chosen.id,
                "account": chosen.place.account,
                "region": chosen.place.region,
                "original": source.original,
                "places": str(len(app.places)),
            }
        )
        yield emulation


@contextmanager
def from_saved_state(
    output: OutputFolder,
    stage: str,
    watcher: Watcher,
    stopwatch: Stopwatch,
    time_scale: float = TIMES_AS_FAST,
) -> Iterator[Emulation]:
    """Start the emulator from the state in front of a stage.

    Raises:
        RehearsalError: there is none.
    """
    refuse_other_endpoints(os.environ)
    refuse_ambient_credentials(os.environ)
    known = output.read_known()
    if not known or not output.state(stage).is_dir():
        saved = ", ".join(output.saved_stages()) or "none"
        raise RehearsalError(
            f"there is no saved state in front of stage {stage} in {output.path} (there is: "
            f"{saved}); rehearse without --from-stage first, and with the same --log-folder"
        )
    stopwatch.begin(f"Start the emulator from the state in front of {stage}")
    output.make(keep_states=True)
    source = open_source(output.source, known["original"])
    library_wheel(output.wheels)
    settings = Settings(
        folder=str(output.logs.resolve()),
        cache=str(_cache()),
        wheels=(str(output.wheels.resolve()),),
    )
    write_settings(settings, output.settings)
    with emulator(
        state=output.state(stage), settings=output.settings, time_scale=time_scale
    ) as endpoint:
        place = Place(known["account"], known["region"])
        emulation = Emulation(
            endpoint=endpoint,
            output=output,
            settings=settings,
            api=PipelineApi(name=known["pipeline"], place=place, endpoint=endpoint),
            stack=PipelineStack(id=known["stack"], place=place, pipelines=(known["pipeline"],)),
            source=source,
            place_count=int(known["places"]),
            watcher=watcher,
        )
        emulation.change_settings(sources=_sources(emulation.api, source))
        yield emulation


def read_app(folder: Path, assembly: Path | None) -> Assembly:
    """Read an app's cloud assembly, synthesized now unless it is given.

    Raises:
        RehearsalError: the app cannot be synthesized, or has no pipeline.
    """
    if assembly:
        return read_assembly(assembly.resolve())
    with TemporaryDirectory(prefix="dpra-") as made, _synthesis(folder, Path(made)) as synth:
        return read_assembly(synth())


def choose_pipeline(app: Assembly, name: str | None) -> tuple[PipelineStack, str]:
    """Return the pipeline to rehearse, with its stack.

    Raises:
        RehearsalError: there is none of that name, or none is named and there are several.
    """
    found = [(stack, each) for stack in app.pipeline_stacks for each in stack.pipelines]
    names = ", ".join(sorted(each for _, each in found))
    if name is None and len(found) == 1:
        return found[0]
    if name is None:
        raise RehearsalError(
            f"the app has {len(found)} pipelines with a name ({names}); name one with --pipeline"
        )
    for stack, each in found:
        if each == name:
            return stack, each
    raise RehearsalError(f"the app has no pipeline {name}; it has: {names}")


def deploy(app: Assembly, stack: PipelineStack, endpoint: str) -> None:
    """Deploy a pipeline stack, and the stacks that it depends on, by the real CDK CLI.

    Raises:
        RehearsalError: it cannot be deployed.
    """
    arguments = [
        *("deploy", stack.id),
        *("--app", str(app.folder)),
        *("--require-approval", "never"),
        *("--concurrency", "8"),
        *("--progress", "events"),
    ]
    environment = child_environment(
        endpoint=endpoint, account=stack.place.account, region=stack.place.region
    )
    # Nothing is to be written beside the assembly.
    run_cdk(arguments, environment, folder=app.folder)


@contextmanager
def _synthesis(folder: Path, assembly: Path) -> Iterator[Callable[[], Path]]:
    """Synthesize an app in its folder, as for a developer's first `cdk deploy`.

    The pipeline's own synth action does it again, from the commit; what differs then updates the
    pipeline. Gives what waits for the end.
    """
    # The templates are validated by the pipeline's synth action.
    environment = {**child_environment(), "CDK_VALIDATION": "false"}
    arguments = ["synth", "--quiet", "--output", str(assembly.resolve())]
    with CdkProcess(arguments, environment, folder) as process:

        def wait() -> Path:
            process.result()
            return assembly.resolve()

        yield wait


def _sources(api: PipelineApi, source: SourceRepository) -> dict[str, GitSource]:
    """Let the repository stand for the one source that the pipeline has."""
    names = {
        action["configuration"][key]
        for stage in api.declaration()["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["category"] == "Source"
        for key in _REPOSITORY_KEYS
        if key in action["configuration"]
    }
    if len(names) > 1:
        raise RehearsalError(
            f"pipeline {api.name} has several sources ({', '.join(sorted(names))}), and a "
            "rehearsal has one repository; rehearse a pipeline with one source"
        )
    return {name: GitSource(repository=str(source.path.resolve())) for name in names}


def _cache() -> Path:
    """Return the folder where packages are kept between rehearsals, as for `dpra build`."""
    if given := os.environ.get("DPRA_CACHE"):
        return Path(given).absolute() / "rehearsal"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home).absolute() / "dpra" / "rehearsal"


def _waiting(api: PipelineApi, stage: str) -> str:
    waiting = api.stages().get(stage, {}).get("inboundExecutions", [])
    if not waiting:
        raise RehearsalError(f"no execution waits in front of stage {stage}")
    return str(waiting[0]["pipelineExecutionId"])

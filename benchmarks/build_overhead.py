"""Compares `dpra build` on the example with the same commands run by hand.

`python -m benchmarks.build_overhead` makes a repository of the example, runs pairs of both in
turn, and prints the median of the ratios. By hand means: a clone for each action, the commands of
its buildspec in one shell, the actions of a run order at once, with the virtual environments and
tool folders of `dpra build`. The actions come from the example's cloud assembly. A first run of
`dpra build`, which installs the tools, is not counted.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from dpra_constructs.isolation import without_aws
from dpra_constructs.local_run.action_run import read_buildspec
from dpra_constructs.local_run.assembly_cache import synthesized_assembly
from dpra_constructs.local_run.build_stage import BuildStageView, StageAction, read_build_stage
from dpra_constructs.local_run.cache_folder import CacheFolder
from dpra_constructs.local_run.selection import select_actions
from dpra_constructs.local_run.tools import action_tools, library_folder
from dpra_constructs.local_run.working_copy import Repository, copy_repository, find_repository

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "fruit_api"
KINDS = ("hand", "dpra")


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@acme.example"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def make_repository(folder: Path) -> Path:
    """Make a repository of the example's tracked files."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "."], cwd=EXAMPLE, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, names):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(EXAMPLE / name, target)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


def by_dpra(repository: Path, arguments: list[str]) -> float:
    """Run `dpra build` and return its seconds."""
    command = [str(Path(sys.executable).with_name("dpra")), "build", *arguments]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"dpra build failed:\n{done.stdout}{done.stderr}")
    return seconds


def by_hand(
    view: BuildStageView, actions: tuple[StageAction, ...], repository: Repository
) -> float:
    """Run the same commands and return the seconds."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as places:
        work = Path(folder)
        outputs: dict[str, Path] = {}
        environments: dict[str, dict[str, str]] = {}
        caller = without_aws(os.environ)
        for action in actions:
            place = action_tools(
                CacheFolder.of(os.environ).path,
                owner=f"{repository.folder}\n{view.pipeline}",
                action=action.name,
                buildspec=read_buildspec(action, repository.root),
                source=repository.root,
                stopped=threading.Event(),
            )
            tools = places.enter_context(place)
            tools.installed()
            environments[action.name] = tools.environment(caller)
        begin = time.perf_counter()
        for _, group in groupby(actions, key=lambda action: action.run_order):
            running = []
            for action in group:
                source = work / action.name
                copy_repository(repository, source, working_tree=False)
                spec = read_buildspec(action, source)
                commands = [each for phase in spec.phases.values() for each in phase.commands]
                script = work / f"{action.name}.sh"
                script.write_text("\n".join(["set -e", *commands]) + "\n")
                variables = {name: each.value for name, each in action.variables.items()}
                inputs = {
                    f"CODEBUILD_SRC_DIR_{name}": str(outputs[name])
                    for name in action.inputs[1:]
                    if name in outputs
                }
                with (work / f"{action.name}.log").open("w") as log:
                    process = subprocess.Popen(
                        [spec.environment.shell, str(script)],
                        cwd=source,
                        env=environments[action.name] | variables | inputs,
                        stdout=log,
                        stderr=log,
                    )
                running.append((action.name, process))
                for name in action.outputs:
                    artifact = spec.artifacts.get(name) or spec.artifacts[""]
                    outputs[name] = source / artifact.files.base_directory
            for name, process in running:
                if process.wait():
                    sys.exit(f"{name} failed:\n{(work / f'{name}.log').read_text()}")
        return time.perf_counter() - begin


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--find-links", action="append", default=[], type=Path)
    parser.add_argument("--skip", action="append", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = CacheFolder(Path(folder) / "cache")
        cache.make()
        os.environ["DPRA_CACHE"] = str(cache.path)
        # Where pip finds this library, for both.
        folders = [*options.find_links, library_folder(cache.path)]
        links = [os.environ.get("PIP_FIND_LINKS", ""), *(f.resolve().as_uri() for f in folders)]
        os.environ["PIP_FIND_LINKS"] = " ".join(filter(None, links))
        path = make_repository(Path(folder) / "fruit-api")
        repository = find_repository(path)
        assembly = synthesized_assembly(path, repository, cache, os.environ)
        view = read_build_stage(assembly)
        selection = select_actions(view, skip=options.skip)
        actions = tuple(each for each in selection.actions if each.name not in selection.skipped)
        print(f"Actions: {', '.join(each.name for each in actions)}")
        widest = max(sum(1 for _ in group) for _, group in groupby(actions, lambda a: a.run_order))
        arguments = ["--jobs", str(widest), *(word for n in options.skip for word in ("--skip", n))]
        print(f"First run, which installs the tools: {by_dpra(path, arguments):.1f} s")
        ratios = []
        for pair in range(1, options.pairs + 1):
            seconds: dict[str, float] = {}
            # Which is first alternates, so that neither has the warmer machine.
            for kind in KINDS if pair % 2 else KINDS[::-1]:
                seconds[kind] = (
                    by_hand(view, actions, repository)
                    if kind == "hand"
                    else by_dpra(path, arguments)
                )
            ratios.append(seconds["dpra"] / seconds["hand"])
            print(
                f"Pair {pair}: by hand {seconds['hand']:.2f} s, dpra build "
                f"{seconds['dpra']:.2f} s, ratio {ratios[-1]:.3f}"
            )
        print(f"Median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()

"""Compares our synth time with plain CDK Pipelines of the same topology and resources.

`python -m benchmarks.synth_time` runs pairs of processes, one of each in turn, and prints the
median of the ratios of each pair: of the time that passed, and of the CPU time of Python and Node,
which hardly depends on what else the machine does. A run takes the time from the first construct
to the end of `app.synth()`, with the CDK's own validation, as in `cdk synth`; imports and start-up,
which are the same for both, are left out. The calls are those from Python to the jsii kernel, and
the same in every run. Where the two have not the same resources, it fails and says which.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.resource_types import differences

KINDS = ("plain", "dpra")
MEASURES_SHOWN = {"seconds": "time", "cpu_seconds": "CPU time"}
MEASURES = MEASURES_SHOWN.keys()


def run(kind: str, deployments: int) -> dict[str, Any]:
    """Synthesize once in this process; return seconds, calls and resources by type."""
    from aws_cdk import App, Stack

    from benchmarks.cpu_time import cpu_seconds
    from benchmarks.dpra_pipeline import dpra_pipeline
    from benchmarks.plain_pipeline import plain_pipeline
    from benchmarks.resource_types import resource_types

    with tempfile.TemporaryDirectory() as folder:
        # The jsii kernel starts with the first object.
        Stack(App(), "WarmUp").to_json_string({})
        calls = count_calls()
        begun, start = cpu_seconds(), time.perf_counter()
        app = App(outdir=folder)
        {"plain": plain_pipeline, "dpra": dpra_pipeline}[kind](app, deployments)
        app.synth()
        seconds, ended = time.perf_counter() - start, cpu_seconds()
        types = resource_types(Path(folder))
    found = {"seconds": seconds, "calls": calls.total(), "types": types}
    if begun is not None and ended is not None:
        found["cpu_seconds"] = ended - begun
    return found


def count_calls() -> Counter[str]:
    """Count from now on what Python asks of the jsii kernel, by kind."""
    from jsii._kernel.providers import process

    counted: Counter[str] = Counter()
    send = process._NodeProcess.send

    def counting(self: Any, request: Any, response_type: Any) -> Any:
        counted[type(request).__name__] += 1
        return send(self, request, response_type)

    process._NodeProcess.send = counting  # type: ignore[method-assign]
    return counted


def run_apart(kind: str, deployments: int) -> dict[str, Any]:
    """Do it in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "--once", kind, str(deployments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def refuse_differences(results: dict[str, dict[str, Any]]) -> None:
    """End the comparison where the two have not the same resources."""
    found = differences(*(Counter(results[kind]["types"]) for kind in KINDS))
    if found:
        sys.exit("\n".join(["Not the same resources; change plain_pipeline.py:", *found]))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--deployments", type=int, nargs="+", default=[9, 40])
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(run(options.once[0], int(options.once[1]))))
        return
    for deployments in options.deployments:
        ratios: dict[str, list[float]] = {}
        for pair in range(1, options.pairs + 1):
            # Which is first alternates, so that neither has the warmer machine.
            order = KINDS if pair % 2 else KINDS[::-1]
            load = f"{os.getloadavg()[0]:.1f}"
            results = {kind: run_apart(kind, deployments) for kind in order}
            refuse_differences(results)
            for measure in MEASURES & results["plain"].keys():
                ratio = results["dpra"][measure] / results["plain"][measure]
                ratios.setdefault(measure, []).append(ratio)
            shown = ", ".join(
                f"{kind} {results[kind]['seconds']:.2f} s "
                f"(CPU {results[kind].get('cpu_seconds', float('nan')):.2f} s, "
                f"{results[kind]['calls']} calls)"
                for kind in KINDS
            )
            print(f"{deployments} deployments, pair {pair}, load {load}: {shown}", flush=True)
        for measure, found in sorted(ratios.items(), reverse=True):
            print(
                f"{deployments} deployments, {MEASURES_SHOWN[measure]}: median ratio "
                f"{statistics.median(found):.3f} ({min(found):.3f} to {max(found):.3f})"
            )


if __name__ == "__main__":
    main()

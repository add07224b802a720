"""Compares our synth time with plain CDK Pipelines of the same topology and resources.

`python -m benchmarks.synth_time` runs pairs of processes, one of each in turn, and prints the
median of the ratios of each pair. A run takes the time from the first construct to the end of
`app.synth()`, with the CDK's own validation, as in `cdk synth`; imports and start-up, which are
the same for both, are left out.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

KINDS = ("plain", "dpra")


def run(kind: str, deployments: int) -> dict[str, float]:
    """Synthesize once in this process; return seconds and the number of resources."""
    from aws_cdk import App, Stack

    from benchmarks.dpra_pipeline import dpra_pipeline
    from benchmarks.plain_pipeline import plain_pipeline

    with tempfile.TemporaryDirectory() as folder:
        # The jsii kernel starts with the first object.
        Stack(App(), "WarmUp").to_json_string({})
        start = time.perf_counter()
        app = App(outdir=folder)
        {"plain": plain_pipeline, "dpra": dpra_pipeline}[kind](app, deployments)
        app.synth()
        seconds = time.perf_counter() - start
        types = Counter(
            resource["Type"]
            for path in Path(folder).rglob("*.template.json")
            for resource in json.loads(path.read_text()).get("Resources", {}).values()
        )
    return {"seconds": seconds, "resources": types.total()}


def run_apart(kind: str, deployments: int) -> dict[str, float]:
    """Do it in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "--once", kind, str(deployments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


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
        ratios = []
        for pair in range(1, options.pairs + 1):
            # Which is first alternates, so that neither has the warmer machine.
            order = KINDS if pair % 2 else KINDS[::-1]
            results = {kind: run_apart(kind, deployments) for kind in order}
            ratios.append(results["dpra"]["seconds"] / results["plain"]["seconds"])
            shown = ", ".join(
                f"{kind} {results[kind]['seconds']:.2f} s, {results[kind]['resources']:.0f} "
                "resources"
                for kind in KINDS
            )
            print(f"{deployments} deployments, pair {pair}: {shown}, ratio {ratios[-1]:.3f}")
        print(f"{deployments} deployments: median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()

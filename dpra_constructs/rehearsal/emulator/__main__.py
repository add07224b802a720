"""Runs MiniStack with the additions; `python -m dpra_constructs.rehearsal.emulator`."""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

import ministack.app

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.emulator import (
    alias_shifts,
    authorization,
    canaries,
    codepipeline,
    function_faults,
    internal,
    patches,
    resource_types,
    stack_failures,
    state,
)
from dpra_constructs.rehearsal.internal_paths import FOLDER_PREFIX
from dpra_constructs.rehearsal.isolation import refuse_other_hosts
from dpra_constructs.rehearsal.processes import end_processes_of, remove


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    # Whoever would have removed the folder is gone.
    folder = Path(os.environ.get("TMPDIR", ""))
    if folder.name.startswith(FOLDER_PREFIX):
        end_processes_of(folder)
        remove(folder)
    if os.getpgrp() == os.getpid():
        # With the processes of functions, which are in this process's group.
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Apply the additions and serve until the process is ended, or its parent is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", action="append", default=[], choices=sorted(patches.PATCHES))
    parser.add_argument("--state", type=Path)
    # Told, as the parent may be gone before this process could ask who it is.
    parser.add_argument("--parent", type=int, default=os.getppid())
    options = parser.parse_args()
    try:
        refuse_other_hosts(os.environ)
    except RehearsalError as error:
        sys.exit(str(error))
    threading.Thread(target=_end_with, args=(options.parent,), daemon=True).start()
    resource_types.register()
    codepipeline.register()
    internal.register()
    stack_failures.register()
    alias_shifts.register()
    # Before the patches, so that metrics show it.
    function_faults.register()
    for name, apply in patches.PATCHES.items():
        if name not in options.without:
            apply()
    authorization.enforce_checks()
    if options.state:
        state.load(options.state)
    canaries.run_on_the_clock()
    sys.argv = ["ministack"]
    ministack.app.main()


if __name__ == "__main__":
    main()

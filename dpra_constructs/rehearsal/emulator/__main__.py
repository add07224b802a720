"""Runs MiniStack with the additions; `python -m dpra_constructs.rehearsal.emulator`."""

import argparse
import os
import sys
import threading
import time

import ministack.app

from dpra_constructs.rehearsal.emulator import codepipeline, patches, resource_types


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    codepipeline.pipelines.end_all()
    os._exit(1)


def main() -> None:
    """Apply the additions and serve until the process is ended, or its parent is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", action="append", default=[], choices=sorted(patches.PATCHES))
    options = parser.parse_args()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    resource_types.register()
    codepipeline.register()
    for name, apply in patches.PATCHES.items():
        if name not in options.without:
            apply()
    sys.argv = ["ministack"]
    ministack.app.main()


if __name__ == "__main__":
    main()

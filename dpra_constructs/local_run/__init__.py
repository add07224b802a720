"""Runs the builds of CodeBuild on this machine: buildspecs, their artifacts and reports.

Needs PyYAML, and so one of the extras: `pip install 'dpra-constructs[cli]'`. It runs on Linux and
macOS; only on Linux are processes found that left the build's session.

What a machine cannot do as the service does, is refused by name:

- batch builds, an explicit proxy server, CodeBuild's Git credential helper, shells of Windows;
- another user than the one who runs the build (`run-as`);
- a runtime of `runtime-versions` that is not on the PATH. Another version than the one asked for
  is used, and the log shows both.

What is done otherwise, and says so in the log:

- a cache is neither restored nor saved;
- `name` and `s3-prefix` of an artifact are not used: the caller decides where a zip file goes;
- reports are looked for only where `reports` says, without the service's auto-discovery.

Where the reference leaves a behaviour open, the stricter reading is taken:

- a build stays FAILED when a phase failed with `on-failure: CONTINUE`;
- `ABORT` goes to the end at once: no POST_BUILD, no artifacts, no reports;
- `RETRY` runs the phase's commands and `finally` again, from the first, in the same shell; after
  the last try the usual transitions follow;
- after `exit` or `exec` the next command gets a new shell with the old one's variables and
  directory; the functions are lost where that shell is not bash, and so are `set` and `trap`;
- a report whose files are not there fails UPLOAD_ARTIFACTS, after the artifacts were taken;
- patterns of files match no folders, and `**` follows no link to a folder;
- an exported variable that is not set is left out.
"""

from dpra_constructs.local_run.build import (
    Build,
    BuildResult,
    PhaseResult,
    Secrets,
    Variable,
    run_build,
)
from dpra_constructs.local_run.buildspec import Buildspec, BuildspecError, parse_buildspec
from dpra_constructs.local_run.reports import (
    FailedTest,
    ReportFiles,
    ReportSummary,
    summarize,
)

__all__ = [
    "Build",
    "BuildResult",
    "Buildspec",
    "BuildspecError",
    "FailedTest",
    "PhaseResult",
    "ReportFiles",
    "ReportSummary",
    "Secrets",
    "Variable",
    "parse_buildspec",
    "run_build",
    "summarize",
]

"""Checks first that the kinds of source are where the layout says."""

from __future__ import annotations

import json
from collections.abc import Collection

from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.inlined_python import inlined_python
from dpra_constructs.requirements import Requirement
from dpra_constructs.source import SourceLayout

SOURCE_LAYOUT_ACTION = "SourceLayout"
#: The variable in which it gives the latest commits of the trunk to the delivery metrics.
COMMITS_VARIABLE = "DPRA_COMMITS"
# About 2.4 kB: of each commit 12 digits of its hash, and when it was written, in seconds since
# 1970.
# A source that is no clone has none, and no variable is exported without a value.
_EXPORT_COMMITS = (
    f'export {COMMITS_VARIABLE}="none $(git log --max-count=100 --format=%H-%at 2>/dev/null '
    "| sed 's/^\\(.\\{12\\}\\)[0-9a-f]*/\\1/' | tr '\\n' ' ')\""
)


def source_layout_check(
    layout: SourceLayout, waived: Collection[Requirement] = ()
) -> BuildAction | None:
    """Return the build action that checks a layout; None when there is nothing to check.

    It needs nothing but the Python of the build image, so that it fails within seconds, and names
    the kind of source and the glob that matches no committed file. Then it exports the latest
    commits of the trunk with their times, which the delivery metrics are made of (DPRA-METRICS).

    Args:
        layout: where the kinds of source are.
        waived: requirements of the source stage; a kind whose requirement is waived is not
            checked.

    >>> action = source_layout_check(SourceLayout(application=["src"]))
    >>> action.commands[0].splitlines()[0]
    'python3 -I - \\'{"application": ["src"]}\\' <<\\'PYTHON\\''
    """
    kinds = layout.kinds(waived)
    if not kinds:
        return None
    layout_as_json = json.dumps({kind: list(kinds[kind]) for kind in kinds})
    return BuildAction(
        SOURCE_LAYOUT_ACTION,
        commands=[inlined_python("source_layout", [layout_as_json]), _EXPORT_COMMITS],
    )

"""Checks first that the kinds of source are where the layout says."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.shell import command
from dpra_constructs.requirements import Requirement
from dpra_constructs.source import SourceLayout

SOURCE_LAYOUT_ACTION = "SourceLayout"
_CHECK = Path(__file__).parent / "runtime" / "source_layout.py"


def source_layout_check(
    layout: SourceLayout, waived: Collection[Requirement] = ()
) -> BuildAction | None:
    """Return the build action that checks a layout; None when there is nothing to check.

    It needs nothing but the Python of the build image, so that it fails within seconds, and names
    the kind of source and the glob that matches no committed file.

    Args:
        layout: where the kinds of source are.
        waived: requirements of the source stage; a kind whose requirement is waived is not
            checked.

    >>> action = source_layout_check(SourceLayout(application=["src"]))
    >>> action.commands[0].splitlines()[0]
    'python3 - \\'{"application": ["src"]}\\' <<\\'SOURCE_LAYOUT\\''
    """
    kinds = layout.kinds(waived)
    if not kinds:
        return None
    check = command("python3 -", [json.dumps({kind: list(kinds[kind]) for kind in kinds})])
    code = _CHECK.read_text("utf-8")
    return BuildAction(
        SOURCE_LAYOUT_ACTION, commands=[f"{check} <<'SOURCE_LAYOUT'\n{code}SOURCE_LAYOUT"]
    )

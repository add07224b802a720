"""The command `dpra`: parses, prints and exits; what it does stands elsewhere."""

from __future__ import annotations

import sys

# What each extra brings, by a module that it must not be missing.
_EXTRAS = {
    "click": "cli",
    "rich": "cli",
    "yaml": "cli",
    "boto3": "rehearsal",
    "ministack": "rehearsal",
}


def main() -> None:
    """Run the command, or say which extra it needs."""
    try:
        from dpra_constructs.cli.commands import dpra

        dpra()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extra = _EXTRAS.get(missing)
        if extra is None:
            raise
        sys.exit(f"error: {missing} is not installed; run: pip install 'dpra-constructs[{extra}]'")

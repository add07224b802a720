"""Every reader of what tools found, by its name."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

from dpra_constructs.build_actions.runtime import findings
from dpra_constructs.build_actions.runtime.findings.report import Finding

READERS: dict[str, Callable[..., Iterator[Finding]]] = {
    path.stem: importlib.import_module(f"{findings.__name__}.{path.stem}").read
    for path in sorted(Path(findings.__path__[0]).glob("*.py"))
    if path.stem not in ("__init__", "report")
}
#: What a reader needs to be told.
OPTIONS = {"npm_audit": ["high"], "pip_audit": ["any"], "checkstyle": ["error"]}

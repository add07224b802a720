"""The processes of Lambda functions."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.self_tests.account import ACCOUNT, HERE, role, trust

_NAME = "dpra-own-workers"
_CODE = "import os\ndef handler(event, context):\n    return os.getpid()"


def own_workers(endpoint: str) -> bool:
    """A function's process outlives a change of its namesake in another region."""
    arn = role(endpoint, HERE, _NAME, trust=trust(service="lambda.amazonaws.com"))
    here, there = (
        client("lambda", endpoint, Place(ACCOUNT, region)) for region in ("us-east-1", "us-west-2")
    )
    for place in (here, there):
        place.create_function(
            FunctionName=_NAME,
            Runtime="python3.14",
            Handler="index.handler",
            Role=arn,
            Code={"ZipFile": packed(_CODE)},
        )
    before = _process(here)
    there.update_function_configuration(FunctionName=_NAME, Timeout=5)
    return before == _process(here)


def _process(functions: Any) -> int:
    process: int = json.load(functions.invoke(FunctionName=_NAME)["Payload"])
    return process


def packed(code: str) -> bytes:
    """Return a function's zip archive, of its one module `index`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("index.py", code)
    return archive.getvalue()

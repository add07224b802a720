"""The Lambda function: what it keeps between requests, and its log."""

import json
import logging
import os
from functools import cache
from typing import Any

from .limits import Limits, load_limits
from .routes import Response, answer
from .store import FruitStore

_log = logging.getLogger("fruit_api")


def handler(event: dict[str, Any], context: object) -> Response:
    """Answer one request."""
    store, limits = _resources()
    response = answer(event, store, limits)
    http = event["requestContext"]["http"]
    line = {"method": http["method"], "path": event["rawPath"], "status": response["statusCode"]}
    _log.info(json.dumps(line))
    return response


@cache
def _resources() -> tuple[FruitStore, Limits]:
    # Here, because tests need no boto3; the Lambda runtime brings it.
    import boto3

    _log.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
    return FruitStore(table), load_limits()

"""Answers requests of an HTTP API, payload version 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
import re
from importlib.resources import files
from typing import Any

from .limits import Limits
from .store import FruitStore

Response = dict[str, Any]


def answer(event: dict[str, Any], store: FruitStore, limits: Limits) -> Response:
    """Return the response to a request."""
    method = event["requestContext"]["http"]["method"]
    path = event["rawPath"].rstrip("/") or "/"
    fruit = re.fullmatch(r"/fruits/([^/]+)", path)
    match method, path:
        case "GET", "/":
            return _page()
        case "GET", "/health":
            return _json(200, {"status": "ok"})
        case "GET", "/fruits":
            return _json(200, {"fruits": [_fruit(*each) for each in store.prices().items()]})
        case _, "/" | "/health" | "/fruits":
            return _error(405, f"{method} is not possible here")
        case "GET", _ if fruit:
            price = store.price(fruit[1])
            return (
                _error(404, "no such fruit")
                if price is None
                else _json(200, _fruit(fruit[1], price))
            )
        case "PUT", _ if fruit:
            return _put(fruit[1], event, store, limits)
        case "DELETE", _ if fruit:
            store.remove(fruit[1])
            return {"statusCode": 204}
        case _ if fruit:
            return _error(405, f"{method} is not possible here")
        case _:
            return _error(404, "no such page")


def _put(name: str, event: dict[str, Any], store: FruitStore, limits: Limits) -> Response:
    if len(name) > limits.longest_name or not re.fullmatch(r"[a-z-]+", name):
        return _error(400, f"a name is 1 to {limits.longest_name} of the letters a-z and hyphens")
    text = event.get("body") or ""
    try:
        body = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except ValueError:
        return _error(400, "the body is not JSON")
    price = body.get("price_cents") if isinstance(body, dict) else None
    if type(price) is not int or not 0 < price <= limits.highest_price_cents:
        return _error(400, f"price_cents is a whole number from 1 to {limits.highest_price_cents}")
    store.set_price(name, price)
    return _json(200, _fruit(name, price))


def _fruit(name: str, price_cents: int) -> dict[str, Any]:
    return {"name": name, "price_cents": price_cents}


def _page() -> Response:
    return {
        "statusCode": 200,
        "headers": {"content-type": "text/html; charset=utf-8"},
        "body": (files("fruit_api") / "static" / "index.html").read_text("utf-8"),
    }


def _json(status: int, body: dict[str, Any]) -> Response:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }


def _error(status: int, message: str) -> Response:
    return _json(status, {"error": message})

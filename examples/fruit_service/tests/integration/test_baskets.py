"""Verifies the business rules of a deployed service; its address is in SERVICE_URL."""

import json
import os
import urllib.error
import urllib.request
from typing import Any


def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        os.environ["SERVICE_URL"].rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_the_service_is_healthy() -> None:
    assert call("GET", "/health") == (200, {"status": "ok"})


def test_a_basket_costs_what_the_prices_say() -> None:
    prices = call("GET", "/prices")[1]["price_cents"]
    basket = dict.fromkeys(prices, 2)
    assert call("POST", "/baskets", basket) == (200, {"total_cents": 2 * sum(prices.values())})


def test_more_than_a_basket_holds_is_refused() -> None:
    largest = call("GET", "/prices")[1]["largest_quantity"]
    assert call("POST", "/baskets", {"apple": largest + 1})[0] == 400

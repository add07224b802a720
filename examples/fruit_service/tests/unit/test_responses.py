import json
from typing import Any

import pytest

from fruit_service.price_list import load_price_list
from fruit_service.responses import answer

PRICES = load_price_list()


def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = answer(method, path, lambda: text, PRICES)
    is_json = response.content_type == "application/json"
    return response.status, json.loads(response.body) if is_json else response.body


def test_a_basket_costs_what_its_fruits_cost_together() -> None:
    price = PRICES.price_cents
    basket = {"apple": 2, "fig": 3}
    total = 2 * price["apple"] + 3 * price["fig"]
    assert call("POST", "/baskets", basket) == (200, {"total_cents": total})


def test_an_empty_basket_costs_nothing() -> None:
    assert call("POST", "/baskets", {}) == (200, {"total_cents": 0})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        ([], "a basket is an object of quantities by fruit"),
        ({"pear": 1}, "there is only apple, fig, plum"),
        ({"apple": 0}, "a quantity is a whole number from 1 to 99"),
        ({"apple": 100}, "a quantity is a whole number from 1 to 99"),
        ({"apple": True}, "a quantity is a whole number from 1 to 99"),
        ({"apple": "1"}, "a quantity is a whole number from 1 to 99"),
    ],
)
def test_another_basket_is_refused(body: object, message: str) -> None:
    assert call("POST", "/baskets", body) == (400, {"error": message})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/basket.js", 200),
        ("GET", "/health", 200),
        ("HEAD", "/prices", 200),
        ("GET", "/baskets", 405),
        ("DELETE", "/prices", 405),
        ("GET", "/../config/fruit_service.toml", 404),
    ],
)
def test_status(method: str, path: str, status: int) -> None:
    assert call(method, path)[0] == status


def test_the_page_may_load_only_what_is_its_own() -> None:
    response = answer("GET", "/", lambda: b"", PRICES)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert b"<script>" not in response.body

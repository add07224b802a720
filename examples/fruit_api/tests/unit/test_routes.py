import json
from typing import Any

import pytest

from fruit_api.limits import load_limits
from fruit_api.routes import answer
from fruit_api.store import FruitStore


class TableInMemory:
    """Behaves as DynamoDB does, with pages of two items."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}

    def scan(self, *, ConsistentRead: bool, ExclusiveStartKey: Any = None) -> dict[str, Any]:
        names = list(self.items)
        start = names.index(ExclusiveStartKey["name"]) + 1 if ExclusiveStartKey else 0
        page = names[start : start + 2]
        last = {"LastEvaluatedKey": {"name": page[-1]}} if names[start + 2 :] else {}
        return {"Items": [self.items[name] for name in page], **last}

    def get_item(self, *, Key: Any, ConsistentRead: bool) -> dict[str, Any]:
        item = self.items.get(Key["name"])
        return {"Item": item} if item else {}

    def put_item(self, *, Item: Any) -> dict[str, Any]:
        self.items[Item["name"]] = Item
        return {}

    def delete_item(self, *, Key: Any) -> dict[str, Any]:
        self.items.pop(Key["name"], None)
        return {}


@pytest.fixture
def call() -> Any:
    store, limits = FruitStore(TableInMemory()), load_limits()

    def request(method: str, path: str, body: object = None) -> tuple[int, Any]:
        event = {
            "requestContext": {"http": {"method": method}},
            "rawPath": path,
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        response = answer(event, store, limits)
        text = response.get("body", "null")
        return response["statusCode"], text if text.startswith("<") else json.loads(text)

    return request


def test_a_fruit_is_added_read_changed_and_removed(call: Any) -> None:
    assert call("PUT", "/fruits/apple", {"price_cents": 30})[0] == 200
    assert call("PUT", "/fruits/apple", {"price_cents": 35})[0] == 200
    assert call("GET", "/fruits/apple") == (200, {"name": "apple", "price_cents": 35})
    assert call("DELETE", "/fruits/apple")[0] == 204
    assert call("GET", "/fruits/apple") == (404, {"error": "no such fruit"})


def test_all_fruits_are_listed_over_several_pages(call: Any) -> None:
    for name in ("pear", "apple", "fig", "plum", "kiwi"):
        call("PUT", f"/fruits/{name}", {"price_cents": 10})
    names = [fruit["name"] for fruit in call("GET", "/fruits")[1]["fruits"]]
    assert names == ["apple", "fig", "kiwi", "pear", "plum"]


@pytest.mark.parametrize(
    "body",
    ["{", [], {}, {"price_cents": "30"}, {"price_cents": 0}, {"price_cents": True}],
)
def test_a_wrong_price_is_refused(call: Any, body: object) -> None:
    assert call("PUT", "/fruits/apple", body)[0] == 400


@pytest.mark.parametrize("name", ["Apple", "a" * 41, "app%20le"])
def test_a_wrong_name_is_refused(call: Any, name: str) -> None:
    assert call("PUT", f"/fruits/{name}", {"price_cents": 30})[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/health", 200),
        ("POST", "/fruits", 405),
        ("POST", "/fruits/apple", 405),
        ("GET", "/vegetables", 404),
    ],
)
def test_status(call: Any, method: str, path: str, status: int) -> None:
    assert call(method, path)[0] == status

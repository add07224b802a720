"""Fruits in a DynamoDB table."""

from collections.abc import Mapping
from typing import Any, Protocol


class Table(Protocol):
    """What is used of a boto3 DynamoDB table."""

    def scan(self, **arguments: Any) -> Mapping[str, Any]: ...
    def get_item(self, **arguments: Any) -> Mapping[str, Any]: ...
    def put_item(self, **arguments: Any) -> Mapping[str, Any]: ...
    def delete_item(self, **arguments: Any) -> Mapping[str, Any]: ...


class FruitStore:
    """Prices in cents by name."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def prices(self) -> dict[str, int]:
        """Return all prices, sorted by name."""
        prices: dict[str, int] = {}
        start: dict[str, Any] = {}
        while True:
            page = self._table.scan(ConsistentRead=True, **start)
            prices |= {item["name"]: int(item["price_cents"]) for item in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return dict(sorted(prices.items()))
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def price(self, name: str) -> int | None:
        """Return one price, or None."""
        item = self._table.get_item(Key={"name": name}, ConsistentRead=True).get("Item")
        return int(item["price_cents"]) if item else None

    def set_price(self, name: str, price_cents: int) -> None:
        """Add a fruit or change its price."""
        self._table.put_item(Item={"name": name, "price_cents": price_cents})

    def remove(self, name: str) -> None:
        """Remove a fruit; nothing happens when it is not there."""
        self._table.delete_item(Key={"name": name})

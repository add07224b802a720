"""The price list that ships with the code, and what a basket costs by it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files


class BasketError(ValueError):
    """A basket is none, or cannot be sold; the message is for the one who sent it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceList:
    """What a fruit costs, and how many of it one basket may have."""

    largest_quantity: int
    price_cents: Mapping[str, int]

    def total_cents(self, basket: object) -> int:
        """Return what the fruits of a basket cost together; it is quantities by fruit.

        Raises:
            BasketError: it is something else.
        """
        if not isinstance(basket, dict):
            raise BasketError("a basket is an object of quantities by fruit")
        total = 0
        for fruit, quantity in basket.items():
            if fruit not in self.price_cents:
                raise BasketError(f"there is only {', '.join(sorted(self.price_cents))}")
            if type(quantity) is not int or not 0 < quantity <= self.largest_quantity:
                raise BasketError(f"a quantity is a whole number from 1 to {self.largest_quantity}")
            total += quantity * self.price_cents[fruit]
        return total


def load_price_list() -> PriceList:
    """Read the price list from the package."""
    text = (files("fruit_service") / "config" / "fruit_service.toml").read_text("utf-8")
    return PriceList(**tomllib.loads(text))

"""What is answered to each request. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from .price_list import BasketError, PriceList

_PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/basket.js": ("basket.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """One answer."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: _HEADERS)


def answer(method: str, path: str, body: Callable[[], bytes], prices: PriceList) -> Response:
    """Return the response to a request; its body is read only where it is needed."""
    match method, path:
        case "GET" | "HEAD", "/" | "/basket.js":
            name, content_type = _PAGES[path]
            file = files("fruit_service") / "static" / name
            return Response(status=200, content_type=content_type, body=file.read_bytes())
        case "GET" | "HEAD", "/health":
            return _json(200, {"status": "ok"})
        case "GET" | "HEAD", "/prices":
            return _json(
                200,
                {
                    "largest_quantity": prices.largest_quantity,
                    "price_cents": dict(prices.price_cents),
                },
            )
        case "POST", "/baskets":
            return _basket(body(), prices)
        case _, "/" | "/basket.js" | "/health" | "/prices" | "/baskets":
            return _json(405, {"error": f"{method} is not possible here"})
        case _:
            return _json(404, {"error": "no such page"})


def _basket(body: bytes, prices: PriceList) -> Response:
    try:
        return _json(200, {"total_cents": prices.total_cents(json.loads(body))})
    except BasketError as error:
        return _json(400, {"error": str(error)})
    except (ValueError, RecursionError):
        return _json(400, {"error": "the body is not JSON"})


def _json(status: int, value: object) -> Response:
    return Response(status=status, content_type="application/json", body=json.dumps(value).encode())

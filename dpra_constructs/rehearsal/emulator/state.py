"""Saves all that the emulator holds to a folder, and starts from it again.

MiniStack keeps its resources in dictionaries by account and region at the top of its services'
modules; they are pickled together, so that what they share stays shared. Its own persistence
is not used: it turns tuples into lists and drops objects of versioned buckets' histories.

Only a folder that this program wrote may be loaded: unpickling runs what it contains.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ministack.services
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import cloudformation, lambda_svc

from dpra_constructs.rehearsal.internal_paths import STATE_FILE

#: What further services keep: a name, and how to take and to restore it. What is taken is
#: pickled at once, so that it may be the service's own dictionaries; taking may raise StateError.
#: Restoring is done before the emulator serves, outside of any request.
STATE: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}

#: Held while the state is saved or loaded; whoever writes on its own account takes it.
STILL = threading.Lock()

_SERVICES = "ministack.services"
_SCOPED = (AccountScopedDict, AccountRegionScopedDict)
_PORT = "GATEWAY_PORT"
# What stands beside the dictionaries by account.
_PLAIN = (("sts", "_sessions"),)
_PRIVATE_KEYS = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)
_LOCKS = (type(threading.Lock()), type(threading.RLock()))


class StateError(Exception):
    """The state cannot be saved now."""


def save(folder: Path) -> None:
    """Write all state to a folder, which is made.

    Raises:
        StateError: a stack is being deployed, so that the state would be of no single moment.
    """
    for (_, _, name), stack in cloudformation._stacks.all_items():
        if stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise StateError(f"stack {name} is {stack['StackStatus']}; wait for it, then save")
    data = io.BytesIO()
    with STILL:
        saved = {
            "stores": {where: dict(_contents(store)) for where, store in _stores()},
            "further": {name: take() for name, (take, _) in STATE.items()},
        }
        _Pickler(data, pickle.HIGHEST_PROTOCOL).dump(saved)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{STATE_FILE}.partial"
    partial.write_bytes(f"{os.environ[_PORT]}\n".encode() + data.getvalue())
    partial.rename(folder / STATE_FILE)


def load(folder: Path) -> None:
    """Take the state from a folder that `save` wrote, before the emulator serves."""
    port, _, data = (folder / STATE_FILE).read_bytes().partition(b"\n")
    # Addresses of APIs have the port. All ports that are given out have five digits, so that
    # replacing one in the file moves nothing.
    data = data.replace(b"127.0.0.1:" + port, b"127.0.0.1:" + os.environ[_PORT].encode())
    saved = pickle.loads(data)
    with STILL:
        for (module, name), contents in saved["stores"].items():
            store = getattr(importlib.import_module(f"{_SERVICES}.{module}"), name)
            target = store._data if isinstance(store, _SCOPED) else store
            target.clear()
            target.update(contents)
        for name, value in saved["further"].items():
            STATE[name][1](value)
    if lambda_svc._esms._data:
        lambda_svc._ensure_poller()


def forget(account: str) -> None:
    """Remove everything of an account."""
    for _, store in _stores():
        contents = _contents(store)
        for key in [each for each in contents if isinstance(each, tuple) and each[0] == account]:
            del contents[key]


def _contents(store: Any) -> dict[Any, Any]:
    contents: dict[Any, Any] = store._data if isinstance(store, _SCOPED) else store
    return contents


def _stores() -> Iterator[tuple[tuple[str, str], Any]]:
    """Return the dictionaries of the loaded services, each once, by module and name."""
    seen: set[int] = set()
    for found in pkgutil.walk_packages(ministack.services.__path__, f"{_SERVICES}."):
        module = sys.modules.get(found.name)
        for name, value in sorted(vars(module).items()) if module else ():
            if isinstance(value, _SCOPED) and id(value) not in seen:
                seen.add(id(value))
                yield (found.name.removeprefix(f"{_SERVICES}."), name), value
    for service, name in _PLAIN:
        module = sys.modules.get(f"{_SERVICES}.{service}")
        value = getattr(module, name, None)
        if value is not None and id(value) not in seen:
            yield (service, name), value


class _Pickler(pickle.Pickler):
    """Pickles also what MiniStack's records have of keys and locks."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, _PRIVATE_KEYS):
            text = value.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            return _private_key, (text,)
        if isinstance(value, _LOCKS):
            return (threading.Lock if isinstance(value, _LOCKS[0]) else threading.RLock), ()
        return NotImplemented


def _private_key(text: bytes) -> Any:
    return serialization.load_pem_private_key(text, password=None)

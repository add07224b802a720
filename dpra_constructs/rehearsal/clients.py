"""botocore clients of the emulator, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.isolation import SECRET, is_loopback

_CONFIG = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=120)
# Making clients is the one thing of a session that threads may not do at the same time.
_LOCK = Lock()


def client(
    service: Any, endpoint: str, place: Place, access_key: Mapping[str, str] | None = None
) -> Any:
    """Return a client in one account and region: of its root, a user's access key or a session.

    Args:
        service: its name, for example `s3`.
        endpoint: the emulator's address.
        place: the account and region.
        access_key: an `AccessKey` that IAM created, or the `Credentials` of an AssumeRole.

    Raises:
        RehearsalError: the endpoint is not a loopback address.
    """
    if not is_loopback(endpoint):
        raise RehearsalError(f"the emulator's address {endpoint} is not on this machine")
    # The client is given all it needs, so that no profile and no metadata service is asked.
    with _LOCK:
        return _session().create_client(
            service,
            region_name=place.region,
            endpoint_url=endpoint,
            aws_access_key_id=access_key["AccessKeyId"] if access_key else place.account,
            aws_secret_access_key=access_key["SecretAccessKey"] if access_key else SECRET,
            aws_session_token=access_key.get("SessionToken") if access_key else None,
            config=_CONFIG,
        )


@cache
def _session() -> Any:
    """Return the one session: making it, and reading a service's model, outlasts most calls."""
    return botocore.session.Session()

"""boto3 clients of the emulator, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.isolation import SECRET, is_loopback

_CONFIG = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=120)


def client(
    service: Any, endpoint: str, place: Place, access_key: Mapping[str, str] | None = None
) -> Any:
    """Return a client in one account and region: of its root, or of a user's access key.

    Raises:
        RehearsalError: the endpoint is not a loopback address.
    """
    if not is_loopback(endpoint):
        raise RehearsalError(f"the emulator's address {endpoint} is not on this machine")
    # The session is given all it needs, so that no profile and no metadata service is asked.
    session = boto3.session.Session(
        aws_access_key_id=access_key["AccessKeyId"] if access_key else place.account,
        aws_secret_access_key=access_key["SecretAccessKey"] if access_key else SECRET,
        region_name=place.region,
    )
    return session.client(service, endpoint_url=endpoint, config=_CONFIG)

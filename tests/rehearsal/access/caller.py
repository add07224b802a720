"""A session of a role on the emulator, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from dpra_constructs.rehearsal.assembly import Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.server import is_allowed
from tests.rehearsal.access.calls import ASKED, CALLS
from tests.rehearsal.access.request import Request

_FAILED = 500
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
# The emulator finds out before it asks IAM.
_BEFORE_IAM = {"InvalidBucketName", "NoSuchBucket"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: whether IAM let it through, by a real call, and how it ended."""

    allowed: bool
    is_call: bool
    code: str = ""


@dataclass(kw_only=True)
class Caller:
    """A session of a role, which makes requests."""

    endpoint: str
    arn: str
    credentials: Mapping[str, str]
    clients: dict[tuple[str, Place], Any] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The account of the role."""
        return self.arn.split(":")[4]

    def asks(self, request: Request) -> Answer:
        """Make the request, by a real call where the emulator has it.

        Raises:
            ClientError: the emulator itself failed.
            KeyError: the action has neither a call nor a reason to be asked for.
        """
        call = CALLS.get(request.action)
        place = request.place(self.account)
        elsewhere = request.account(self.account) != self.account
        if call is None or request.via or (elsewhere and not call.by_arn):
            if call is None and request.action not in ASKED:
                raise KeyError(
                    f"{request.action} has no call: add it to CALLS, or to ASKED with the reason"
                )
            return self._evaluated(request, place)
        try:
            getattr(self._client(call.service, place), call.operation)(**call.make(request))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FAILED:
                raise
            code = error.response["Error"]["Code"]
            if code not in _BEFORE_IAM:
                return Answer(code not in _DENIED, is_call=True, code=code)
            return self._evaluated(request, place)
        return Answer(True, is_call=True)

    def _evaluated(self, request: Request, place: Place) -> Answer:
        context = {"kms:ViaService": request.via} if request.via else {}
        allowed = is_allowed(
            self.endpoint, self.arn, request.action, request.concrete, context, place.region
        )
        return Answer(allowed, is_call=False)

    def _client(self, service: str, place: Place) -> Any:
        if (service, place) not in self.clients:
            made = client(service, self.endpoint, place, self.credentials)
            self.clients[service, place] = made
        return self.clients[service, place]

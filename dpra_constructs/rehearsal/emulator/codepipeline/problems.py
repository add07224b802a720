"""What can go wrong: an answer of the API, or the failure of an action."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from dpra_constructs.errors import RehearsalError

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")


class ServiceError(RehearsalError):
    """An error that the API answers with, under the service's own name for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ActionFailedError(RehearsalError):
    """An action failed.

    Args:
        code: as in the service's `ErrorDetails`: `JobFailed`, `ConfigurationError`,
            `PermissionError`, `TimeoutError`, `RevisionUnavailable`.
        message: what failed and why.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def failure_of(error: ClientError | BotoCoreError) -> ActionFailedError:
    """Turn the failure of a call that an action made into the action's failure."""
    if isinstance(error, ClientError):
        code = error.response["Error"].get("Code", "")
        kind = "PermissionError" if code in _DENIED else "JobFailed"
        operation = getattr(error, "operation_name", "")
        message = error.response["Error"].get("Message", "")
        return ActionFailedError(kind, f"{operation}: {code}: {message}")
    return ActionFailedError("JobFailed", str(error))

"""What a role may ask for: an action on a resource."""

from __future__ import annotations

from dataclasses import dataclass

from dpra_constructs.rehearsal.assembly import Place

ACCOUNT, REGION = "111111111111", "us-west-2"


@dataclass(frozen=True, slots=True)
class Request:
    """An action on a resource.

    Args:
        action: for example `s3:GetObject`.
        resource: its ARN. A `*` stands for a name that the service makes later.
        region: where it is done, for an ARN without a region.
        via: the service through which a key is used.
    """

    action: str
    resource: str
    region: str = REGION
    via: str = ""

    def __str__(self) -> str:
        via = f" via {self.via}" if self.via else ""
        return f"{self.action} on {self.resource} in {self.place(ACCOUNT).region}{via}"

    @property
    def concrete(self) -> str:
        """The ARN, with a name of this test in place of each wildcard."""
        return "*" if self.resource == "*" else self.resource.replace("*", "access-test")

    @property
    def name(self) -> str:
        """What follows the account in the ARN."""
        return self.concrete.split(":", 5)[-1]

    def place(self, account: str) -> Place:
        """Where the call is made: in the account of the caller, in the region of the ARN."""
        parts = self.resource.split(":", 5)
        return Place(account, (parts[3] if len(parts) == 6 else "") or self.region)

    def account(self, caller: str) -> str:
        """The account of the ARN, the caller's where it has none."""
        parts = self.resource.split(":", 5)
        return (parts[4] if len(parts) == 6 else "") or caller

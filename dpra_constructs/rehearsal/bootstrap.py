"""Bootstraps accounts and regions for the CDK, all at once."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

from dpra_constructs.cdk_cli import run_cdk
from dpra_constructs.rehearsal.assembly import Assembly, Place
from dpra_constructs.rehearsal.clients import client
from dpra_constructs.rehearsal.isolation import child_environment
from dpra_constructs.rehearsal.stacks import create_stack

_STACK = "CDKToolkit"
# The bootstrap's own default; the emulator does not evaluate it (see NOT_CHECKED).
_EXECUTION_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
_AT_ONCE = 8


def bootstrap(assembly: Assembly, endpoint: str, untrusted: Collection[str] = ()) -> None:
    """Create the bootstrap stack of the CDK CLI wherever the assembly deploys to.

    Every account trusts the accounts that pipelines run in.

    Args:
        assembly: says where it deploys to.
        endpoint: the emulator's address.
        untrusted: accounts that are to trust nobody, as when `--trust` was forgotten.
    """
    template = run_cdk(["bootstrap", "--show-template"], child_environment())

    def create(place: Place) -> None:
        trusted = "" if place.account in untrusted else _trusted(place, assembly.tools_accounts)
        create_stack(
            client("cloudformation", endpoint, place),
            _STACK,
            template,
            {"CloudFormationExecutionPolicies": _EXECUTION_POLICY, "TrustedAccounts": trusted},
        )

    with ThreadPoolExecutor(_AT_ONCE) as executor:
        list(executor.map(create, assembly.places))


def bootstrap_commands(assembly: Assembly, execution_policies: str) -> Iterator[str]:
    """Give the commands that bootstrap every account and region for an app, in AWS.

    Args:
        assembly: says where it deploys to, and from where.
        execution_policies: ARNs of the policies of CloudFormation's role, by commas. The accounts
            that only run pipelines get the bootstrap's own.
    """
    for account in sorted({place.account for place in assembly.places}):
        places = [place for place in assembly.places if place.account == account]
        trusted = _trusted(places[0], assembly.tools_accounts)
        words = ["cdk", "bootstrap", *(f"aws://{each.account}/{each.region}" for each in places)]
        if trusted:
            words += ["--trust", trusted]
        words += ["--cloudformation-execution-policies", execution_policies]
        yield f"# with credentials of account {account}"
        yield shlex.join(words)


def _trusted(place: Place, tools_accounts: Collection[str]) -> str:
    return ",".join(sorted(set(tools_accounts) - {place.account}))

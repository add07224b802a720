"""Shows, on the running emulator, that each patch does what it is there for.

A new version of the emulator that moves what is patched must not make a rehearsal say less.
Each self-test is named as its patch, and fails without it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.self_tests import (
    access,
    alarms,
    buckets_and_keys,
    deployments,
    functions,
    signing,
)
from dpra_constructs.rehearsal.self_tests.account import ACCOUNT, OTHER_ACCOUNT
from dpra_constructs.rehearsal.server import forget_account

SELF_TESTS: dict[str, Callable[[str], bool]] = {
    "secure_transport": buckets_and_keys.secure_transport,
    "resource_tag": access.resource_tag,
    "resource_account": buckets_and_keys.resource_account,
    "caller_account": buckets_and_keys.caller_account,
    "principal_role": access.principal_role,
    "profile_version": signing.profile_version,
    "build_project": access.build_project,
    "pipeline_part": access.pipeline_part,
    "log_stream": access.log_stream,
    "key_alias": buckets_and_keys.key_alias,
    "parameter_names": access.parameter_names,
    "change_set_stack": access.change_set_stack,
    "change_calendar": access.change_calendar,
    "foreign_bucket": buckets_and_keys.foreign_bucket,
    "bucket_encryption": deployments.bucket_encryption,
    "foreign_key": buckets_and_keys.foreign_key,
    "object_key": buckets_and_keys.object_key,
    "passed_role": access.passed_role,
    "trusting_role": access.trusting_role,
    "regional_names": deployments.regional_names,
    "secret_reference": deployments.secret_reference,
    "changed_outputs": deployments.changed_outputs,
    "custom_resource_crash": deployments.custom_resource_crash,
    "own_workers": functions.own_workers,
    "signed_archive": signing.signed_archive,
    "code_signing": signing.code_signing,
    "api_address": deployments.api_address,
    "function_address": deployments.function_address,
    "function_metrics": alarms.function_metrics,
    "api_metrics": alarms.api_metrics,
    "embedded_metrics": alarms.embedded_metrics,
    "alarm_definition": alarms.alarm_definition,
    "alarm_state": alarms.alarm_state,
    "alarm_history": alarms.alarm_history,
}
_AT_ONCE = 4


def run_self_tests(endpoint: str) -> None:
    """Run all of them, and leave nothing of them in the emulator.

    Raises:
        RehearsalError: a patch has no effect; the message names it.
    """
    try:
        with ThreadPoolExecutor(_AT_ONCE) as executor:
            list(executor.map(lambda name: run_self_test(name, endpoint), SELF_TESTS))
    finally:
        for account in (ACCOUNT, OTHER_ACCOUNT):
            forget_account(endpoint, account)


def run_self_test(name: str, endpoint: str) -> None:
    """Run the self-test of one patch.

    Raises:
        RehearsalError: the patch has no effect; the message names it.
    """
    try:
        works, reason = SELF_TESTS[name](endpoint), ""
    except (ClientError, RehearsalError) as error:
        works, reason = False, f" ({error})"
    if not works:
        raise RehearsalError(
            f"the emulator's patch {name} has no effect{reason}, so a rehearsal would not tell "
            "the truth; install the pinned versions of dpra-constructs[rehearsal]"
        )

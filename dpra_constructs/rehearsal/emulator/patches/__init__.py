"""Defects of MiniStack 1.5.33 that a rehearsal meets, each mended by name, one file a subject.

Names may be private: `rehearsal.self_tests` shows, against the running server, that each patch
still has its effect. Beside the patches stand `resource_types` and the services that it lacks.
"""

from __future__ import annotations

from collections.abc import Callable

from dpra_constructs.rehearsal.emulator.patches import (
    addresses,
    alarms,
    buckets,
    calendars,
    conditions,
    deployments,
    functions,
    keys,
    metrics,
    passed_roles,
    resources,
    signing,
)

PATCHES: dict[str, Callable[[], None]] = {
    "secure_transport": conditions.secure_transport,
    "resource_tag": conditions.resource_tag,
    "resource_account": conditions.resource_account,
    "caller_account": conditions.caller_account,
    "principal_role": conditions.principal_role,
    "profile_version": conditions.profile_version,
    "build_project": resources.build_project,
    "pipeline_part": resources.pipeline_part,
    "log_stream": resources.log_stream,
    "key_alias": resources.key_alias,
    "parameter_names": resources.parameter_names,
    "change_set_stack": resources.change_set_stack,
    "change_calendar": calendars.change_calendar,
    "foreign_bucket": buckets.foreign_bucket,
    "bucket_encryption": buckets.bucket_encryption,
    "foreign_key": keys.foreign_key,
    "object_key": keys.object_key,
    "passed_role": passed_roles.passed_role,
    "trusting_role": passed_roles.trusting_role,
    "regional_names": deployments.regional_names,
    "secret_reference": deployments.secret_reference,
    "changed_outputs": deployments.changed_outputs,
    "custom_resource_crash": deployments.custom_resource_crash,
    "own_workers": functions.own_workers,
    "signed_archive": signing.signed_archive,
    "code_signing": signing.code_signing,
    "api_address": addresses.api_address,
    "function_address": addresses.function_address,
    "function_metrics": metrics.function_metrics,
    "api_metrics": metrics.api_metrics,
    "embedded_metrics": metrics.embedded_metrics,
    "alarm_definition": alarms.alarm_definition,
    "alarm_state": alarms.alarm_state,
    "alarm_history": alarms.alarm_history,
}

__all__ = ["PATCHES"]

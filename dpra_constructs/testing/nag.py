"""cdk-nag in a test, over an app with its pipeline and every nested stage."""

from __future__ import annotations

from constructs import IConstruct


def unacknowledged_findings(scope: IConstruct) -> list[str]:
    """Return the AwsSolutions findings below a construct that nobody has acknowledged.

    Args:
        scope: usually the app. The pipeline has been built by then, and nothing is synthesized.

    Returns:
        For each finding its id and the construct, sorted: empty is what a test wants.

    Raises:
        ModuleNotFoundError: cdk-nag is not installed: `pip install 'dpra-constructs[testing]'`.
    """
    from cdk_nag import AwsSolutionsChecks

    report = AwsSolutionsChecks().validate_scope(scope)
    return sorted(
        f"{violation.rule_name} at {resource.construct_path}"
        for violation in report.violations
        for resource in violation.violating_resources
    )

"""The names by which the pipeline and the deployed stacks find each other, without a lookup.

Both sides make them from the pipeline, the environment and the region, so a name here is
contract: changing one cuts pipelines off from the alarms that are already deployed.
"""

import hashlib

#: The action that watches a deployment, last in its pipeline stage.
BAKE_ACTION = "Bake"
#: What the first build exports: the authors of the commit, as `authors_of` reads them.
AUTHORS_VARIABLE = "DPRA_COMMIT_AUTHORS"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_ROLE_NAME = 64
LONGEST_POLICY_NAME = 128
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
LONGEST_ALARM_NAME = 255
_HASH_LENGTH = 8


def health_alarm_name(pipeline: str, environment: str, region: str) -> str:
    """Return the name of the composite alarm that says whether a target is healthy.

    >>> health_alarm_name("fruit-api", "prod", "us-west-2")
    'fruit-api-prod-us-west-2-health'
    """
    return _joined(pipeline, f"{environment}-{region}-health", LONGEST_ALARM_NAME)


def gate_role_name(pipeline: str, environment: str, region: str) -> str:
    """Return the name of the role through which the bake reads the health of a target.

    >>> gate_role_name("fruit-api", "prod", "us-west-2")
    'fruit-api-prod-us-west-2-gate'
    """
    return _joined(pipeline, f"{environment}-{region}-gate", LONGEST_ROLE_NAME)


def bake_role_name(pipeline: str, region: str) -> str:
    """Return the name of the bake's role, in the pipeline's account.

    >>> bake_role_name("fruit-api", "us-west-2")
    'fruit-api-us-west-2-bake'
    """
    return _joined(pipeline, f"{region}-bake", LONGEST_ROLE_NAME)


def experiment_role_name(pipeline: str, environment: str, region: str) -> str:
    """Return the name of the role through which experiments of a target are started.

    >>> experiment_role_name("fruit-api", "gamma", "us-west-2")
    'fruit-api-gamma-us-west-2-experiment'
    """
    return _joined(pipeline, f"{environment}-{region}-experiment", LONGEST_ROLE_NAME)


def injection_role_name(pipeline: str, environment: str, region: str) -> str:
    """Return the name of the role, in the pipeline's account, of the actions that start them.

    >>> injection_role_name("fruit-api", "gamma", "us-west-2")
    'fruit-api-gamma-us-west-2-inject'
    """
    return _joined(pipeline, f"{environment}-{region}-inject", LONGEST_ROLE_NAME)


def override_parameter_name(pipeline: str) -> str:
    """Return the name of the parameter by which people override a bake.

    >>> override_parameter_name("fruit-api")
    '/dpra/fruit-api/override'
    """
    return f"/dpra/{pipeline}/override"


def policy_name(pipeline: str, region: str, purpose: str) -> str:
    """Return the name of a policy for people, in the pipeline's account.

    >>> policy_name("fruit-api", "us-west-2", "override")
    'fruit-api-us-west-2-override'
    """
    return _joined(pipeline, f"{region}-{purpose}", LONGEST_POLICY_NAME)


def database_role_name(pipeline: str, environment: str, region: str) -> str:
    """Return the name of the role through which migrations log in to a target's databases.

    >>> database_role_name("fruit-api", "gamma", "us-west-2")
    'fruit-api-gamma-us-west-2-database'
    """
    return _joined(pipeline, f"{environment}-{region}-database", LONGEST_ROLE_NAME)


def migration_role_name(pipeline: str, environment: str, region: str) -> str:
    """Return the name of the role, in the pipeline's account, of a target's migrations.

    >>> migration_role_name("fruit-api", "gamma", "us-west-2")
    'fruit-api-gamma-us-west-2-migrate'
    """
    return _joined(pipeline, f"{environment}-{region}-migrate", LONGEST_ROLE_NAME)


def terraform_role_name(pipeline: str, environment: str, region: str, configuration: str) -> str:
    """Return the name of the role with which Terraform changes a target.

    >>> terraform_role_name("fruit-api", "gamma", "us-west-2", "Network")
    'fruit-api-gamma-us-west-2-Network-terraform'
    """
    return _joined(pipeline, f"{environment}-{region}-{configuration}-terraform", LONGEST_ROLE_NAME)


def terraform_action_role_name(
    pipeline: str, environment: str, region: str, configuration: str
) -> str:
    """Return the name of the role, in the pipeline's account, of the action that calls Terraform.

    >>> terraform_action_role_name("fruit-api", "gamma", "us-west-2", "Network")
    'fruit-api-gamma-us-west-2-Network-apply'
    """
    return _joined(pipeline, f"{environment}-{region}-{configuration}-apply", LONGEST_ROLE_NAME)


def deployment_role_name(pipeline: str, environment: str, region: str, deployment: str) -> str:
    """Return the name of the role, in the pipeline's account, of another deployer's action.

    >>> deployment_role_name("fruit-api", "gamma", "us-west-2", "Octopus")
    'fruit-api-gamma-us-west-2-Octopus'
    """
    return _joined(pipeline, f"{environment}-{region}-{deployment}", LONGEST_ROLE_NAME)


def role_arn(partition: str, account: str, name: str) -> str:
    """Return the ARN of a role.

    >>> role_arn("aws", "444444444444", "fruit-api-prod-us-west-2-gate")
    'arn:aws:iam::444444444444:role/fruit-api-prod-us-west-2-gate'
    """
    return f"arn:{partition}:iam::{account}:role/{name}"


def _joined(pipeline: str, rest: str, longest: int) -> str:
    """Join both; where that is too long, cut the pipeline's name and add a hash of the whole."""
    whole = f"{pipeline}-{rest}"
    if len(whole) <= longest:
        return whole
    sign = hashlib.sha256(whole.encode()).hexdigest()[:_HASH_LENGTH]
    beginning = f"{pipeline[: max(1, longest - len(rest) - _HASH_LENGTH - 2)]}-{sign}"
    return f"{beginning}-{rest}"[:longest]

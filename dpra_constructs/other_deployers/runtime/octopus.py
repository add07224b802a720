"""Deploys a release of a project of Octopus Deploy to an environment, and waits for its end.

The release's version is made of the commit, so that a retry, another region and a rollback find
the release that is there. The comment of the deployment names the pipeline's execution: a retry
follows the deployment that runs, or takes the one that succeeded, and a rollback, which is
another execution, deploys the old release again.
Source: https://octopus.com/docs/octopus-rest-api
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

if __package__:
    from .deployer_api import Api, ApiError, State, follow

_COMMIT_LENGTH = 12


class NotFoundError(Exception):
    """What is named does not exist; the text says what does."""


def named(kind: str, items: Any, name: str) -> Mapping[str, Any]:
    """Return the one of several that has a name, a slug or an id."""
    for item in items:
        if name in (item.get("Name"), item.get("Slug"), item.get("Id")):
            return dict(item)
    known = ", ".join(sorted(str(item.get("Name")) for item in items)[:20]) or "none"
    raise NotFoundError(f"there is no {kind} {name!r} that the key may see; there is {known}")


def deploy(
    api: Any,
    *,
    space: str,
    project: str,
    environment: str,
    version: str,
    marker: str,
    minutes: float,
    channel: str = "",
    package_version: str = "",
    clock: Any = time,
) -> str | None:
    """Deploy a release; return why it failed, or None."""
    space_id = named("space", api.get("/api/spaces/all"), space)["Id"]
    root = f"/api/{space_id}"
    the_project = named("project", api.get(f"{root}/projects/all"), project)
    place = named("environment", api.get(f"{root}/environments/all"), environment)
    api.send(
        "POST",
        f"{root}/releases/create/v1",
        {
            "SpaceId": space_id,
            "SpaceIdOrName": space_id,
            "ProjectName": the_project["Name"],
            "ReleaseVersion": version,
            "IgnoreIfAlreadyExists": True,
            **({"ChannelName": channel} if channel else {}),
            **({"PackageVersion": package_version} if package_version else {}),
        },
    )
    release = api.get(f"{root}/projects/{the_project['Id']}/releases/{quote(version, safe='')}")
    print(f"Release {version} of {the_project['Name']}: {release['Id']}", flush=True)
    earlier = [
        each
        for each in api.get(f"{root}/releases/{release['Id']}/deployments?take=1000")["Items"]
        if each["EnvironmentId"] == place["Id"]
    ]
    own = [each for each in earlier if (each.get("Comments") or "") == marker]
    task = ""
    if own:
        newest = max(own, key=lambda each: str(each.get("Created", "")))
        state = task_state(api, root, newest["TaskId"])
        if state.succeeded is not False:
            print(f"{newest['Id']} is of an earlier attempt: {state.text}", flush=True)
            task = newest["TaskId"]
    if not task:
        made = api.send(
            "POST",
            f"{root}/deployments",
            {
                "ReleaseId": release["Id"],
                "EnvironmentId": place["Id"],
                "Comments": marker,
                # Else a project that skips installed packages would do nothing in a rollback.
                "ForcePackageRedeployment": bool(earlier),
            },
        )
        print(f"{made['Id']} to {place['Name']}", flush=True)
        task = made["TaskId"]
    return follow(
        lambda: task_state(api, root, task),
        lambda: api.send("POST", f"{root}/tasks/{task}/cancel"),
        minutes=minutes,
        clock=clock,
    )


def task_state(api: Any, root: str, task: str) -> Any:
    """Return the state of a deployment's task."""
    found = api.get(f"{root}/tasks/{task}")
    state = str(found["State"])
    text = f"{task} is {state}"
    if found.get("HasPendingInterruptions"):
        text += ", and waits for a person in Octopus Deploy"
    if said := found.get("ErrorMessage"):
        text += f": {api.safe(str(said))}"
    if state == "Success":
        return State(text, succeeded=True)
    if state in ("Failed", "Canceled", "TimedOut"):
        return State(text, succeeded=False)
    # Queued, Executing, Cancelling, and what a later version may add and say that it is over.
    return State(text, succeeded=False if found.get("IsCompleted") else None)


def main(argv: list[str]) -> int:
    """Deploy the release of this build's commit; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "space", "project", "environment", "version"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("channel", "package-version"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--minutes", type=float, required=True)
    options = parser.parse_args(argv)
    key = os.environ["OCTOPUS_API_KEY"]
    commit = os.environ["CODEBUILD_RESOLVED_SOURCE_VERSION"][:_COMMIT_LENGTH]
    action = os.environ["CODEBUILD_BUILD_ID"].partition(":")[0]
    try:
        problem = deploy(
            Api(options.url, {"X-Octopus-ApiKey": key}, key),
            space=options.space,
            project=options.project,
            environment=options.environment,
            version=options.version.replace("{commit}", commit),
            marker=f"{action} in execution {os.environ['DPRA_EXECUTION']}",
            minutes=options.minutes,
            channel=options.channel,
            package_version=options.package_version.replace("{commit}", commit),
        )
    except (ApiError, NotFoundError) as error:
        problem = str(error)
    except (KeyError, TypeError, AttributeError) as error:
        problem = f"the answer of {options.url} is not understood: {type(error).__name__}"
    print(f"{options.project} in {options.environment}: {problem or 'deployed'}")
    return int(bool(problem))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Who may not approve a release: its author, and whoever cannot be told apart from them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs.release.runtime.check_approver import (
    Author,
    NotApprovedError,
    authors_of,
    check,
    check_approver,
    person_of,
)
from tests.runtime.service_models import Modelled, client_error

EXECUTION = "11111111-2222-4333-8444-555555555555"
SESSION = "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Release_0a/"
ADA = Author("Ada Lovelace", "ada@acme.example")


def encoded(*lines: str) -> str:
    return base64.b64encode("\n".join(lines).encode()).decode()


def test_author_and_co_authors_are_read() -> None:
    lines = ("Ada Lovelace <ada@acme.example>", "", 'O"Brien <ob@acme.example>')
    assert authors_of(encoded(*lines)) == (ADA, Author('O"Brien', "ob@acme.example"))


@pytest.mark.parametrize("text", ["", "no base64!", encoded("no address")])
def test_what_is_no_author_is_none(text: str) -> None:
    assert authors_of(text) == ()


@pytest.mark.parametrize(
    ("arn", "person"),
    [
        ("arn:aws:iam::111111111111:user/teams/grace", "grace"),
        (f"{SESSION}grace@acme.example", "grace@acme.example"),
        ("arn:aws:sts::111111111111:federated-user/grace", "grace"),
    ],
)
def test_a_user_and_a_session_have_a_name(arn: str, person: str) -> None:
    assert person_of(arn) == person


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:iam::111111111111:root",
        "arn:aws:sts::111111111111:assumed-role/release",
        f"{SESSION}botocore-session-1700000000",
        f"{SESSION}AWSCLI-Session",
        f"{SESSION}1700000000000",
        f"{SESSION}i-0123456789abcdef0",
        f"{SESSION}{EXECUTION}",
    ],
)
def test_who_names_no_person_does_not_release(arn: str) -> None:
    with pytest.raises(NotApprovedError, match="approver"):
        check(arn, (ADA,))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "ada@acme.example",
            "ADA@acme.example",
            "ada@other.example",
            "ada",
            "ada+aws@acme.example",
        ),
        *("AdaLovelace", "ada.lovelace@acme.example"),
    ],
)
def test_an_author_does_not_release(name: str) -> None:
    with pytest.raises(NotApprovedError, match="is an author of the commit: Ada Lovelace <ada@"):
        check(f"{SESSION}{name}", (Author("Bot", "bot@acme.example"), ADA))


def test_somebody_else_releases() -> None:
    assert check(f"{SESSION}grace@acme.example", (ADA,)) == "grace@acme.example"


def test_without_an_author_nobody_releases() -> None:
    with pytest.raises(NotApprovedError, match="author could not be read"):
        check(f"{SESSION}grace@acme.example", ())


@pytest.mark.parametrize(
    "address", ["1+ada@users.noreply.github.com", "noreply@github.com", "a@no-reply.example"]
)
def test_an_address_that_names_nobody_does_not_release(address: str) -> None:
    with pytest.raises(NotApprovedError, match="an address that names no person"):
        check(f"{SESSION}grace", (Author("Ada", address),))


@given(
    st.from_regex(r"[a-z][a-z.-]{0,15}[a-z]", fullmatch=True),
    st.sampled_from([str.upper, str.title, str]),
)
def test_no_spelling_of_the_authors_own_name_releases(name: str, spelled: Any) -> None:
    with pytest.raises(NotApprovedError):
        check(f"{SESSION}{spelled(name)}@acme.example", (Author("", f"{name}@acme.example"),))


class World:
    def __init__(self, *pages: list[dict[str, Any]], error: Exception | None = None) -> None:
        self.pages = list(pages)
        self.error = error
        self.results: list[tuple[str, dict[str, Any]]] = []

    def list_action_executions(self, **given: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        assert given["filter"] == {"pipelineExecutionId": EXECUTION}
        number = int(given.get("nextToken", "0"))
        more = {"nextToken": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"actionExecutionDetails": self.pages[number], **more}

    def put_job_success_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("success", given))
        return {}

    def put_job_failure_result(self, **given: Any) -> dict[str, Any]:
        self.results.append(("failure", given))
        return {}


def approved(by: str, status: str = "Succeeded", action: str = "Approve") -> dict[str, Any]:
    return {
        "stageName": "Approve-Prod",
        "actionName": action,
        "status": status,
        "updatedBy": f"{SESSION}{by}",
    }


def call(world: World, authors: str = "") -> tuple[str, str]:
    told = {
        "pipeline": "fruit",
        "execution": EXECUTION,
        "stage": "Approve-Prod",
        "action": "Approve",
        "authors": authors or encoded(str(ADA)),
    }
    configuration = {"configuration": {"UserParameters": json.dumps(told)}}
    check_approver(
        {"CodePipeline.job": {"id": EXECUTION, "data": {"actionConfiguration": configuration}}},
        codepipeline=Modelled("codepipeline", world),
    )
    [(kind, result)] = world.results
    details = result.get("executionDetails") or result["failureDetails"]
    return kind, details.get("summary") or details["message"]


def test_the_action_succeeds_and_says_who_approved() -> None:
    assert call(World([approved("grace", action="Other")], [approved("grace")])) == (
        "success",
        "Approved by grace",
    )


def test_the_last_approval_counts() -> None:
    # Newest first, as the service shows them.
    kind, said = call(World([approved("ada"), approved("grace", "Failed"), approved("grace")]))
    assert (kind, said.startswith("Not released: ada approved")) == ("failure", True)
    assert said.endswith("retry all actions of the stage Approve-Prod")


def test_without_an_approval_it_fails() -> None:
    kind, said = call(World([approved("grace", "Failed")]))
    assert (kind, "shows no approval by Approve-Prod/Approve" in said) == ("failure", True)


def test_an_execution_that_cannot_be_read_fails() -> None:
    world = World(error=client_error("AccessDeniedException"))
    with pytest.raises(Exception, match="AccessDenied"):
        call(world)
    [(kind, result)] = world.results
    assert kind == "failure"
    assert "nothing was read" in result["failureDetails"]["message"]

"""What people are told: one form for mail and chat, which names pipeline, stage, commit, author,
reason and link."""

import json
import re
from dataclasses import dataclass
from typing import Any

# Publish: an ASCII line that begins with a letter, a number or punctuation.
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_LONGEST_SUBJECT = 100
_NO_SUBJECT = re.compile(r"[^ -~]+")
# Publish takes 256 KiB, and the text stands in it up to three times.
_LONGEST_REASON = 5_000
_LONGEST_LINE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message; what is not known is left empty.

    Attributes:
        pipeline: the pipeline's name.
        account: the pipeline's account.
        region: the pipeline's region.
        title: what happened, beginning with the stage: `Prod-rest failed`.
        heading: what the subject says instead, if that is more.
        execution: the execution's id.
        commits: each with its id, its summary and its address.
        author: who wrote the commit.
        reason: why it happened.
        hints: what to do, and what else is to be known.
    """

    pipeline: str
    account: str
    region: str
    title: str
    heading: str = ""
    execution: str = ""
    commits: tuple[str, ...] = ()
    author: str = ""
    reason: str = ""
    hints: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The subject of the mail.

        >>> Message(pipeline="fruit", account="1", region="eu-west-1", title="Beta failed").subject
        'fruit: Beta failed'
        """
        text = f"{self.pipeline}: {self.heading or self.title}"
        plain = " ".join(_NO_SUBJECT.sub(" ", text).split())
        return plain[:_LONGEST_SUBJECT].strip()

    @property
    def link(self) -> str:
        """Where the console shows it."""
        return link(self.region, self.pipeline, self.execution)

    @property
    def facts(self) -> tuple[str, ...]:
        """The lines that both forms have."""
        lines = [
            *([f"Execution: {self.execution}"] if self.execution else []),
            *(f"Commit: {commit}" for commit in self.commits),
            *([f"Author: {self.author}"] if self.author else []),
        ]
        return (
            *(_cut(line, _LONGEST_LINE) for line in lines),
            *([f"Reason: {_cut(self.reason, _LONGEST_REASON)}"] if self.reason else []),
        )

    @property
    def text(self) -> str:
        """The mail."""
        return "\n".join(
            [
                f"Pipeline: {self.pipeline} in {self.account}/{self.region}",
                f"Stage: {self.title}",
                *self.facts,
                *self.hints,
                self.link,
            ]
        )

    @property
    def chat(self) -> str:
        """A custom notification of Amazon Q Developer in chat applications.

        https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
        """
        where = f"Pipeline {self.pipeline} in {self.account}/{self.region}"
        content = {
            "textType": "client-markdown",
            "title": self.subject,
            "description": "\n".join([where, *self.facts, self.link]),
            **({"nextSteps": list(self.hints)} if self.hints else {}),
            "keywords": [self.pipeline],
        }
        notification: dict[str, Any] = {"version": "1.0", "source": "custom", "content": content}
        if self.execution:
            # What happens to one execution stands in one thread.
            notification["metadata"] = {"threadId": f"{self.pipeline}-{self.execution}"}
        return json.dumps(notification)


def tell(sns: Any, topic_arn: str, message: Message, *, to_chat: bool) -> None:
    """Publish a message.

    Args:
        sns: a client in the topic's region.
        topic_arn: who is told.
        message: what is told.
        to_chat: whether a chat channel has subscribed; it does so by https, and understands a
            form of its own only.
    """
    if not to_chat:
        sns.publish(TopicArn=topic_arn, Subject=message.subject, Message=message.text)
        return
    forms = {"default": message.text, "https": message.chat}
    sns.publish(
        TopicArn=topic_arn,
        Subject=message.subject,
        MessageStructure="json",
        Message=json.dumps(forms),
    )


def link(region: str, pipeline: str, execution: str = "") -> str:
    """Return where the console shows an execution, or the pipeline."""
    domain = "aws.amazon.com"
    if region.startswith("cn-"):
        domain = "amazonaws.cn"
    elif region.startswith("us-gov-"):
        domain = "amazonaws-us-gov.com"
    view = f"executions/{execution}/timeline" if execution else "view"
    return (
        f"https://{region}.console.{domain}/codesuite/codepipeline/pipelines/{pipeline}"
        f"/{view}?region={region}"
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."

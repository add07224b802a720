"""Alarms of SQS queues and their dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_cdk import aws_sqs as sqs

from dpra_constructs import arguments
from dpra_constructs.monitoring.health_alarms.definition import (
    AlarmDefinition,
    Measure,
    check_thresholds,
    given_or_default,
)
from dpra_constructs.monitoring.health_alarms.health_alarm import HealthAlarm, health_alarms

_NAMESPACE = "AWS/SQS"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueThresholds:
    """Up to where what reads a queue is healthy.

    Args:
        oldest_message_seconds: how long a message may wait, 60 to 1,209,600.
        dead_letter_count: how many messages may become dead letters in 5 minutes, 1 or more, so
            that one alone never counts.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> [each.id for each in QueueThresholds().definitions()]
    ['OldestMessage']
    >>> [each.id for each in QueueThresholds().dead_letter_definitions()]
    ['DeadLetters']

    Source:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """

    oldest_message_seconds: int = 300
    dead_letter_count: int = 1

    def __post_init__(self) -> None:
        """Check the values."""
        check_thresholds(
            self, {"oldest_message_seconds": (60, 1_209_600), "dead_letter_count": (1, 1e6)}
        )

    def definitions(self) -> Iterator[AlarmDefinition]:
        """Yield the alarm of the queue."""
        yield AlarmDefinition(
            id="OldestMessage",
            says=f"A message waits for longer than {self.oldest_message_seconds} s",
            why="A version that reads too slowly, or not at all, though nothing throws",
            namespace=_NAMESPACE,
            measures={"age": Measure("ApproximateAgeOfOldestMessage", "Maximum")},
            expression="age",
            threshold=self.oldest_message_seconds,
            datapoints=3,
            missing_because="a queue that is not used reports nothing",
        )

    def dead_letter_definitions(self) -> Iterator[AlarmDefinition]:
        """Yield the alarm of the queue of its dead letters."""
        yield AlarmDefinition(
            id="DeadLetters",
            says=f"More than {self.dead_letter_count} messages became dead letters in 5 minutes",
            why="A version that cannot process what it reads. What lay there before it does not "
            "count, only what comes",
            namespace=_NAMESPACE,
            measures={"letters": Measure("ApproximateNumberOfMessagesVisible", "Maximum")},
            expression="DIFF(letters)",
            threshold=self.dead_letter_count,
            period_seconds=300,
            periods=1,
            datapoints=1,
            missing_because="a queue that is not used reports nothing",
        )


def queue_alarms(
    queue: sqs.IQueue,
    thresholds: QueueThresholds | None = None,
    *,
    dead_letters: sqs.IQueue | None = None,
) -> list[HealthAlarm]:
    """Make the alarms of a queue and of its dead letters.

    Args:
        queue: in the stack that the alarms are to be in.
        thresholds: up to where it is healthy; without it the defaults.
        dead_letters: the queue of its dead letters; without it the one that `queue` was made
            with, if it was.

    Raises:
        InvalidArgumentError: an argument is not one of those, or it has alarms already.

    >>> from aws_cdk import App, Stack, aws_sqs
    >>> stack = Stack(App(), "Orders")
    >>> dead = aws_sqs.Queue(stack, "Dead")
    >>> queue = aws_sqs.Queue(
    ...     stack, "Orders", dead_letter_queue=aws_sqs.DeadLetterQueue(
    ...         max_receive_count=3, queue=dead))
    >>> [alarm.definition.id for alarm in queue_alarms(queue)]
    ['OldestMessage', 'DeadLetters']
    """
    where = "queue_alarms"
    checked = given_or_default(where, thresholds, QueueThresholds)
    for name, value in (("queue", queue), ("dead_letters", dead_letters or queue)):
        if not hasattr(value, "queue_name"):
            arguments.instance(where, name, value, sqs.Queue, "self.queue")
    made = health_alarms(queue, "queue", checked.definitions(), [("QueueName", queue.queue_name)])
    given = queue.dead_letter_queue if isinstance(queue, sqs.Queue) else None
    dead = dead_letters or (given.queue if given else None)
    if dead:
        dimensions = [("QueueName", dead.queue_name)]
        made += health_alarms(dead, "queue", checked.dead_letter_definitions(), dimensions)
    return made

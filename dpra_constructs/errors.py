"""The errors that this library raises, all of them below `DpraError`.

::

    DpraError
    ├── InvalidArgumentError (also a ValueError)  what a caller wrote cannot work
    │   └── WaiverNeededError                     ... it is against a requirement, not waived
    ├── ReleaseError                              what was asked of a pipeline cannot be done
    └── RehearsalError                            a rehearsal could not start, or failed
"""


class DpraError(Exception):
    """Every error of this library, so that one `except` catches them all."""


class InvalidArgumentError(DpraError, ValueError):
    """What a caller gave to a construct or value cannot work.

    The message always says where, what was given, what is allowed and what to do.

    Args:
        where: the construct or value, with its name: `GammaStage "Gamma"`.
        problem: what was given, and what is allowed instead.
        fix: what to do, as an imperative.
    """

    def __init__(self, where: str, problem: str, fix: str) -> None:
        super().__init__(f"{where}: {problem}; {fix}")


class WaiverNeededError(InvalidArgumentError):
    """A required DPRA action is absent and not waived."""


class ReleaseError(DpraError):
    """What was asked of a running pipeline cannot be done as it is."""


class RehearsalError(DpraError):
    """A rehearsal could not start, or failed."""

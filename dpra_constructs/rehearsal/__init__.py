"""The rehearsal: an app's pipelines on an emulator of AWS on this machine.

Needs the extra: `pip install 'dpra-constructs[rehearsal]'`. The emulator runs in a process of
its own, on loopback, with IAM enforced.
"""

from dpra_constructs.rehearsal.rehearsal import NOT_CHECKED, Rehearsal, rehearse

__all__ = ["NOT_CHECKED", "Rehearsal", "rehearse"]

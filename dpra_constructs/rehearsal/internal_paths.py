"""What the emulator's process and ours both know: paths of its own calls, and its folder."""

#: Of the temporary folder that an emulator has to itself.
FOLDER_PREFIX = "dpra-rehearsal-"

#: In the folder of a saved state.
STATE_FILE = "emulator.pickle"

ALLOWED = "/_dpra/allowed"
FAIL_STACK = "/_dpra/fail-stack"
FORGET = "/_dpra/forget"
MISBEHAVE = "/_dpra/misbehave"
SIGNING_PROFILE = "/_dpra/signing-profile"
TRUSTED = "/_dpra/trusted"
SAVE = "/_dpra/save"

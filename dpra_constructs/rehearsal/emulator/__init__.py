"""The emulator's process: MiniStack with what it lacks for a pipeline stack."""

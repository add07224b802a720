"""Programs that run in tests of deployed stacks: the standard library alone."""

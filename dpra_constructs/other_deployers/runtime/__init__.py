"""Programs of the actions of other deployers: the standard library alone."""

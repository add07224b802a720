"""Small programs that builds run, inlined in their commands: the standard library alone."""

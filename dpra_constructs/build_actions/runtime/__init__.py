"""Code that stands in the buildspecs of build actions: standard library only."""

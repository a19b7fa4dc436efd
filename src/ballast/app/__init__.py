"""Use cases: one function each, over ports."""

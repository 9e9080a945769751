"""Targets: a module each, headed by its invariant."""

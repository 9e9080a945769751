"""Strategies: a module per kind of thing that is made."""

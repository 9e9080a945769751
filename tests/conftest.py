"""What all tests share. Profiles of hypothesis: `ci` is what every run uses, `long` is for a quiet night (`HYPOTHESIS_PROFILE=long`)."""

import os

import pytest
from hypothesis import settings

from tests.secrecy.plugin import no_secret_is_logged, pytest_terminal_summary

__all__ = ["no_secret_is_logged", "pytest_collection_modifyitems", "pytest_terminal_summary"]

# What starts programs and browsers comes first, and small files last: so no process waits at the end for the other's long file.
_FIRST = ("page", "cli", "end_to_end", "bench", "tests", "fuzz", "session", "admin", "web")

# A shared machine may stall any example; time is measured in benches, not here.
settings.register_profile("ci", deadline=None, max_examples=100, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=5000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the rooms that take long at the beginning; within a room the order stays."""
    ranks = {room: rank for rank, room in enumerate(_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(_FIRST)))

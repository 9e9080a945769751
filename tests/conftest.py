"""What all tests share. Profiles of hypothesis: `ci` is what every run uses, `long` is for a quiet night (`HYPOTHESIS_PROFILE=long`)."""

import logging
import os

import pytest
import structlog
from hypothesis import settings

from kiro_trio import telemetry

# A shared machine may stall any example; time is measured in benches, not here.
settings.register_profile("ci", deadline=None, max_examples=100, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=5000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def logs_as_they_were():
    """What a test does to the logs of the process is undone: a command that is called in it leaves them at its own level."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    telemetry._known.clear()
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)

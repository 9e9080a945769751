"""What all tests share. Profiles of hypothesis: `ci` is what every run uses, `long` is for a quiet night (`HYPOTHESIS_PROFILE=long`)."""

import os

from hypothesis import settings

from tests.secrecy.plugin import no_secret_is_logged, pytest_terminal_summary

__all__ = ["no_secret_is_logged", "pytest_terminal_summary"]

# A shared machine may stall any example; time is measured in benches, not here.
settings.register_profile("ci", deadline=None, max_examples=100, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=5000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

"""One browser for all tests of a run, and a house of its own for each test."""

import pytest

from tests.page.chromium import chromium
from tests.page.desk import desk


@pytest.fixture(scope="session")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def here(browser, tmp_path):
    with desk(tmp_path) as running:
        yield running

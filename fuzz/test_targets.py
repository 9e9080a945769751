"""Every target, bounded: the same examples each time, so that a run says the same twice. `FUZZ_RANDOM=1` makes new ones."""

import os

import pytest

from fuzz import run


@pytest.mark.parametrize("name", run.names())
def test_bounded(name: str) -> None:
    module = run.target(name)
    if (package := run.missing(module)) is not None:
        pytest.skip(f"needs the optional package {package}")
    run.bounded(module, derandomize="FUZZ_RANDOM" not in os.environ)


@pytest.mark.parametrize("name", run.names())
def test_is_headed_by_its_invariant(name: str) -> None:
    assert (run.target(name).__doc__ or "").splitlines()[0].endswith((".", ":"))

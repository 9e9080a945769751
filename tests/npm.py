"""Packages of npm that tests talk to: installed once, into a cache outside the checkout; without npm the test is skipped."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kiro-trio-tests"
PATIENCE = 60
"""Seconds for an installation; it takes about ten."""


def installed(package: str, version: str) -> Path:
    """The folder (with `node_modules`) in which `package` is installed; skips where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs node and npm")
    folder = CACHE / f"{package.rpartition('/')[2]}-{version}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
            _install(npm, f"{package}@{version}", Path(fresh) / "package")
            try:
                (Path(fresh) / "package").rename(folder)
            except OSError:
                assert folder.exists()  # another run was quicker
    return folder


def _install(npm: str, what: str, folder: Path) -> None:
    folder.mkdir()
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]
    command = [npm, "install", "--prefix", str(folder), *options, what]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {what} in {PATIENCE} s")
    if done.returncode != 0:
        pytest.skip(f"npm could not install {what}: {done.stderr.strip().splitlines()[-1:]}")

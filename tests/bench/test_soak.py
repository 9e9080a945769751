"""Twenty seconds of what `make soak` does for three minutes; the bench itself is kept working on the way."""

from pathlib import Path

import pytest

from bench.gateway import main as bench_gateway
from bench.load.gauge import Gauge
from bench.load.readme import BEGIN, END
from bench.soak import soak


def test_the_gateway_holds_for_twenty_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    held = soak(seconds=20, clients=12, seed=1)
    assert held, capsys.readouterr().out


def test_the_bench_measures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}old\n{END}after\n")
    options = ["--rounds", "1", "--scale", "0.1", "--no-peer", "--readme", str(readme)]
    monkeypatch.setattr("sys.argv", ["gateway", "short-1", *options])
    bench_gateway()
    said = capsys.readouterr()
    written = readme.read_text()
    assert "| short-1 |" in written
    assert "old" not in written
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "| short-1 |" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ([100.0] * 60, True),
        ([100.0 + 3 * second for second in range(60)], False),
        ([100.0, 180.0] * 30, True),
    ],
    ids=["flat", "a leak", "swings"],
)
def test_a_leak_is_told_from_noise(values: list[float], flat: bool) -> None:
    gauge = Gauge("memory", "KB", 50.0)
    for second, value in enumerate(values):
        gauge.note(second, value)
    assert gauge.flat() is flat

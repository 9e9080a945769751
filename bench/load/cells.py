"""What is measured: one row per cell, and the targets that the figures are held against."""

from dataclasses import dataclass, field
from typing import Any

BURST = "CPU per event, bursts (200 events a stream, nothing between them)"
PACED = "CPU per event, paced (50 events a second and stream)"
SHORT = "CPU per short request (one event)"
BODIES = "CPU per request with a body of 10 MB"


@dataclass(frozen=True)
class Cell:
    """`job` is what the generator does; `per` says what CPU is divided by; `tls` is about the way upstream."""

    name: str
    title: str
    per: str
    job: dict[str, Any] = field(hash=False)
    tls: bool = False


def _burst(connections: int, requests: int, *, tls: bool = False) -> Cell:
    name = f"burst-{connections}{'-tls' if tls else ''}"
    return Cell(name, BURST, "events", {"connections": connections, "limit": requests}, tls)


def _paced(connections: int, *, tls: bool = False) -> Cell:
    name = f"paced-{connections}{'-tls' if tls else ''}"
    job = {"connections": connections, "every": 0.02, "warmup": 1.0 + connections / 256, "seconds": 4.0}
    return Cell(name, PACED, "events", job, tls)


def _short(connections: int, requests: int) -> Cell:
    job = {"connections": connections, "events": 1, "limit": requests}
    return Cell(f"short-{connections}", SHORT, "requests", job)


CELLS = (
    _burst(1, 20),
    _burst(16, 64),
    _burst(64, 192),
    _burst(256, 512),
    _burst(64, 192, tls=True),
    _paced(1),
    _paced(16),
    _paced(64),
    _paced(256),
    _paced(64, tls=True),
    _short(1, 150),
    _short(16, 256),
    _short(64, 384),
    _short(256, 512),
    Cell("bodies-2", BODIES, "requests", {"connections": 2, "events": 1, "limit": 4, "extra": 10_000_000}),
)


@dataclass(frozen=True)
class Target:
    """A sentence, the figure it is about (see `report.figures`), and the most that it may be."""

    sentence: str
    figure: str
    most: float
    unit: str


TARGETS = (
    Target("CPU per event at 64 bursting streams, against the peer's", "burst-64/ratio", 1 / 3, "x"),
    Target("CPU per event at 64 bursting streams", "burst-64/gateway", 25, "us"),
    Target("CPU per event at 64 bursting streams, TLS upstream", "burst-64-tls/gateway", 30, "us"),
    Target("CPU per event at 256 paced streams, against the peer's", "paced-256/ratio", 0.7, "x"),
    Target("CPU per short request at 64 connections, against the peer's", "short-64/ratio", 0.4, "x"),
    Target("memory per open stream", "memory/gateway", 50, "KB"),
    Target("added time to the first event, unloaded", "short-1/added first p50", 1200, "us"),
    Target("added delay per event at 16 paced streams, p99", "paced-16/added delay p99", 10_000, "us"),
)

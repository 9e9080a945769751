"""What it costs to convert a long agent session, beside the standard library reading and writing the same JSON.

    python -m bench.conversion               the table below
    python -m bench.conversion --check       exit code 1 if a megabyte takes more than 5 ms

A session of 200 turns, made of what a client really sent (`tests/conformance/sessions.py`): from the bytes of its request to the
bytes of Kiro's. Counted is the share that grows with the session, for its head costs once: what 200 turns take, less what one
takes. Both take turns, a few runs each, and time is CPU time of the thread. Absolute figures are the least that was seen, the ratio is
the median over the rounds.
"""

import argparse
import gc
import json
import platform
import statistics
import sys
from collections.abc import Callable
from time import thread_time

from tests.conformance.sessions import body_of, turns
from tests.conformance.test_session_cost import SECONDS_PER_MEGABYTE, TURNS, converted, sent

FILLERS = (4000, 8000, 20_000)
ROUNDS = 30
RUNS = 4


def ours(body: bytes) -> None:
    sent(converted(body))


def stdlib(body: bytes) -> None:
    json.dumps(json.loads(body), ensure_ascii=False).encode()


def seconds(work: Callable[[bytes], None], body: bytes) -> float:
    began = thread_time()
    work(body)
    return thread_time() - began


def timed(work: Callable[[bytes], None], whole: bytes, start: bytes) -> tuple[float, float]:
    """The least seconds for `whole` and for `start`.

    Of a few runs, for the first ones find caches that the other's garbage has filled; and in turn, so that both find the same.
    """
    pairs = [(seconds(work, whole), seconds(work, start)) for _ in range(RUNS)]
    return min(long for long, _ in pairs), min(short for _, short in pairs)


def measured(filler: int) -> tuple[float, dict[str, float], float]:
    """Megabytes of one session's growth, the least seconds that each took for it, and the median of their ratio."""
    start, whole = body_of(turns(1)), body_of(turns(TURNS, filler=filler))
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "stdlib": []}
    for _ in range(ROUNDS):
        for name, work in (("ours", ours), ("stdlib", stdlib)):
            times[name].append(timed(work, whole, start))
    least = {name: min(long for long, _ in of) - min(short for _, short in of) for name, of in times.items()}
    pairs = zip(times["ours"], times["stdlib"], strict=True)
    ratio = statistics.median((long - short) / (other - head) for (long, short), (other, head) in pairs)
    return (len(whole) - len(start)) / 1e6, least, ratio


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="exit code 1 if a megabyte takes too long")
    arguments = parser.parse_args()
    gc.freeze()  # both as the gateway does
    gc.set_threshold(5_000, 10, 10)
    print(f"CPython {platform.python_version()}, {TURNS} turns, {ROUNDS} rounds of {RUNS} runs\n")
    print("| bytes a turn | MB | ours ms/MB | stdlib ms/MB | times stdlib |\n|--:|--:|--:|--:|--:|")
    missed = False
    for filler in FILLERS:
        megabytes, least, ratio = measured(filler)
        each = {name: taken / megabytes for name, taken in least.items()}
        missed |= each["ours"] > SECONDS_PER_MEGABYTE
        print(
            f"| {filler:,} | {megabytes:.1f} | **{each['ours'] * 1e3:.2f}** | {each['stdlib'] * 1e3:.2f} | {ratio:.2f} |"
        )
    return int(arguments.check and missed)


if __name__ == "__main__":
    sys.exit(main())

"""An editor that never rests, beside two gateways that renew all the time: how many of its saves get lost? Run by hand.

Usage: python -m tests.credentials.editing [SECONDS] [rename | in-place | patch]

The editor reads the file, adds a number to a list in it, and saves 5 to 30 ms after its last save: by a file that takes the place
of the old one, by writing over it, or by writing over it without emptying it first. The service is strict: a
refresh token that was exchanged once is dead. What is counted must be 0, all of it; the editor's own edits are some 60 a second.
"""

import json
import random
import sys
import tempfile
import time
from pathlib import Path

import trio

from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from tests.credentials.gateway_process import gateways
from tests.credentials.service import account


def by_rename(path: Path, data: bytes) -> None:
    beside = path.with_name("saved-by-an-editor")
    beside.write_bytes(data)
    beside.replace(path)


def in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def patch(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()


STYLES = {"rename": by_rename, "in-place": in_place, "patch": patch}


def edit(path: Path, style: str, seconds: float) -> None:
    """The editor's process; prints how often it saved, could not read the file, or did not find its last save there."""
    save, chance, number, unreadable, missed = STYLES[style], random.Random(style), 0, 0, 0  # noqa: S311 - no secret
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            entries = json.loads(path.read_bytes())
        except (OSError, ValueError):
            unreadable += 1
            continue
        edits = entries[0].setdefault("edits", [])
        missed += bool(number) and number not in edits
        number += 1
        edits.append(number)
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0, 0.004))  # what a gateway has written meanwhile is saved away
        save(path, (json.dumps(entries, indent=1) + "\n").encode())
        time.sleep(chance.uniform(0.005, 0.030))
    print(number, unreadable, missed)  # noqa: T201


async def main(seconds: float, style: str) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        path = Path(folder) / "credentials.json"
        simulator = Simulator(
            [account(name) for name in "abcd"], rotate_refresh_tokens=True, token_lifetime=3600.0
        )
        path.write_text(json.dumps([one.credential() for one in simulator.accounts]))
        async with trio.open_nursery() as nursery:
            url = await nursery.start(serve_simulator, simulator)
            async with gateways(path, url) as start:
                for _ in range(2):
                    await start()
                command = [
                    sys.executable,
                    "-m",
                    "tests.credentials.editing",
                    "edit",
                    str(path),
                    style,
                    str(seconds),
                ]
                edited = await trio.run_process(command, capture_stdout=True)
                simulator.rotate_refresh_tokens = False
                await trio.sleep(5)  # a save over a renewed token is mended when it is noticed
            nursery.cancel_scope.cancel()
        number, unreadable, missed = map(int, edited.stdout.split())
        entries = json.loads(path.read_bytes())
        kept = set(entries[0]["edits"])
        lost = [one for one in range(1, number + 1) if one not in kept]
        dead = [
            one.email
            for one, entry in zip(simulator.accounts, entries, strict=True)
            if one.refresh_token != entry["refreshToken"]
        ]
        print(  # noqa: T201
            f"{style}: {number} edits, {len(lost)} of them lost, {missed} missed when looked for, {unreadable} times unreadable; "
            f"{sum(simulator.renewals.values())} renewals, {len(dead)} tokens lost"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["edit"]:
        edit(Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    else:
        trio.run(
            main, *(float(sys.argv[1]) if sys.argv[1:] else 60.0, sys.argv[2] if sys.argv[2:] else "rename")
        )

"""A gateway with made-up accounts and a day of made-up traffic, to be looked at."""

import json
import math
import random
import time
from pathlib import Path
from typing import Any

import trio
import trio.lowlevel

from kiro_trio.gateway.history import History, Retention
from kiro_trio.gateway.settled import SettledAttempt, SettledRequest
from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.script import Match, Pause, Reply, Rule, Say, Script, Stall
from kiro_trio.simulator.simulator import Simulator
from tests.page.desk import Desk

PEOPLE = [
    Account("ada@example.com", plan="KIRO PRO+", used=612.4, limit=2000),
    Account("grace@example.com", used=411.8, limit=1000),
    Account("linus@example.com", kind="builder-id", plan="KIRO FREE", used=38.5, limit=50),
    Account("barbara@example.com", used=120.0, limit=1000),
    Account("edsger@example.com", used=1000.0, limit=1000),
    Account("margaret@example.com", used=40.0, limit=1000, suspended=True),
    Account("donald@example.com", kind="api-key", plan="KIRO POWER", used=5120.0, limit=10000),
    Account("radia@example.com", used=77.0, limit=1000, revoked=True),
    Account("katherine@example.com", kind="idc", plan="KIRO PRO", used=300.2, limit=1000),
]

ANSWERS = Script(
    (
        Rule(Match(account="barbara@example.com"), Reply(status="throttled")),
        Rule(Match(account="edsger@example.com"), Reply(status="monthly")),
        Rule(
            Match(prompt="explain"),
            Reply(
                steps=tuple(
                    Say("A word after another, as long as you look. ") if at % 2 else Pause(0.4)
                    for at in range(400)
                )
            ),
        ),
        Rule(Match(prompt="think"), Reply(misfortunes=(Stall(),))),
    )
)

CLIENTS = [("default", 5), ("claude-code", 9), ("ci", 3), ("anna laptop", 2)]
MODELS = [("claude-sonnet-4.5", 8), ("claude-opus-4.5", 3), ("claude-haiku-4.5", 5)]
FAULTS = ["throttled", "connection_lost", "context_overflow", "client_gone", "idle_timeout"]


def simulator() -> Simulator:
    return Simulator(accounts=[*PEOPLE], script=ANSWERS)


def prepare(folder: Path) -> None:
    """Write the accounts and a month of traffic into a folder."""
    entries = [{**person.credential(), "priority": place} for place, person in enumerate(PEOPLE)]
    for place, entry in enumerate(entries):
        entry["priority"] = 0 if place in {3, 4, 5, 7} else place + 1
    entries[8]["disabled"] = True
    (folder / "credentials.json").write_text(json.dumps(entries))
    trio.run(write_history, folder)


async def write_history(folder: Path, number: int = 4200, days: float = 29.0) -> None:
    now, dice = time.time(), random.Random(7)  # noqa: S311, TID251 - scenery, and its dates are today's
    kept = History(folder / "credentials.history.sqlite3", Retention(days=40), time.time)  # noqa: TID251
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        moments = sorted(now - 600 - 86_400 * days * dice.random() ** 1.6 for _ in range(number))
        for place, at in enumerate(moments):
            kept.note(_made_up(dice, place, at))
        await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()


def _made_up(dice: random.Random, number: int, at: float) -> SettledRequest:
    busy = 0.6 + 0.4 * math.sin(at / 86_400 * 2 * math.pi)
    fault = dice.choice(FAULTS) if dice.random() < 0.05 else None
    first = round(0.4 + dice.expovariate(1.2), 3)
    seconds = round(first + dice.expovariate(0.12) * (0.5 + busy), 3)
    prompt, words = int(dice.expovariate(1 / 9000)) + 900, int(dice.expovariate(1 / 700)) + 30
    account = dice.choice([1, 1, 1, 2, 2, 3, 7])
    tries = [SettledAttempt(account, seconds, "whole")]
    if fault and fault != "client_gone":
        tries = [SettledAttempt(account, seconds, fault, 429 if fault == "throttled" else None)]
    elif dice.random() < 0.06:
        tries.insert(0, SettledAttempt(4, 0.31, "throttled", 429, "ThrottlingException"))
    return SettledRequest(
        id=f"req_{number:024x}",
        at=at,
        client=_pick(dice, CLIENTS),
        model=_pick(dice, MODELS),
        stream=dice.random() < 0.9,
        status={"client_gone": 499, "context_overflow": 400}.get(fault or "", 200 if fault is None else 529),
        outcome=fault or "whole",
        seconds=seconds,
        first_content=None if fault else first,
        bytes=words * 220,
        pings=int(seconds // 10),
        input_tokens=None if fault else prompt,
        output_tokens=None if fault else words,
        cache_read_tokens=None if fault else int(prompt * 0.7),
        cache_write_tokens=None if fault else int(prompt * 0.1),
        credits=None if fault else round(0.02 + prompt / 90_000 + words / 9000, 3),
        measured=True,
        estimate=prompt,
        prefix_hash=f"{dice.getrandbits(48):012x}",
        attempts=tuple(tries),
    )


def _pick(dice: random.Random, weighted: list[tuple[str, int]]) -> str:
    return dice.choices([name for name, _ in weighted], [weight for _, weight in weighted])[0]


def prompt(text: str, model: str = "claude-sonnet-4-5", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": model, "max_tokens": 4096, "messages": messages, "stream": True, **more}


def begin_traffic(here: Desk) -> None:
    """Have clients send requests that run for as long as one looks, some of them on their second account."""
    ada, claude = (
        here.wait(here.me.do, "POST", "/keys", {"name": name, "creditsPerMonth": 900})["secret"]
        for name in ("ada editor", "claude-code")
    )
    for number in range(3):  # so that those that do not answer are known
        here.send(prompt("Hello"))
        here.until(lambda: len(here.answers) > number)  # noqa: B023 - waited for at once
    while here.get("/credentials/4")["standing"] != "ready":
        time.sleep(0.1)
    here.send(prompt("Please explain structured concurrency to me."), **{"x-api-key": claude})
    here.until(lambda: len(here.chats()) > 7 and here.chats()[-1].sent)
    here.send(prompt("Please explain nurseries."), **{"x-api-key": ada})
    here.send(prompt("Please think a while.", "claude-opus-4-5"), **{"x-api-key": claude})
    here.send(prompt("Please explain cancellation.", "claude-haiku-4-5"))
    for account in (4, 5, 6, 8):
        here.wait(here.me.do, "POST", f"/credentials/{account}/priority", {"priority": account + 1})
    for account in (1, 2, 3, 4, 5, 7):
        here.get(f"/credentials/{account}/balance?fresh=true")

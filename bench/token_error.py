"""How far the token estimates are off, before and after they have learnt.

    python bench/token_error.py TOKENIZER    needs the package `tokenizers`, and the file anthropic/tokenizer.json of the
                                             wheel anthropic 0.38.0: the last tokenizer that Anthropic published

The truth is that tokenizer's count of every text in a prompt, plus the same framing that the estimate adds; what a later
model really counts differs by a factor, which is what the calibration learns. It is taught as in the gateway: after each turn by
the count that Kiro's percentage of a window of 200 000 gives, in steps of a thousandth of a percent.

Prompts are those of the recorded corpus, where there is one (its prose is filler), and sessions of our own: an agent
that reads this repository, 40 turns of code, documents, JSON and test output. Nothing of it is fit data.
"""

import json
import random
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kiro_trio.conversation import tokens
from kiro_trio.conversation.calibration import Calibration
from kiro_trio.conversation.prompt import Prompt, Text, Tool, ToolResult, ToolUse, Turn
from kiro_trio.dialects.anthropic.request import parse_messages

ROOT = Path(__file__).parents[1]
WINDOW = 200_000
FACTORS = (1.0, 1.35)
"""How much more the model counts than the published tokenizer does: not at all, or as newer ones are said to."""


class Truth:
    """Counts with the published tokenizer, remembering texts that it has seen."""

    def __init__(self, path: str) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - not a dependency of ours

        self._tokenizer = Tokenizer.from_file(path)
        self._known: dict[bytes, int] = {}

    def __call__(self, prompt: Prompt) -> int:
        texts: list[bytes] = []
        framing = sum(tokens._prompt_parts(prompt, texts))  # noqa: SLF001 - the same framing on both sides
        return framing + sum(map(self._count, texts))

    def _count(self, text: bytes) -> int:
        if text not in self._known:
            self._known[text] = len(self._tokenizer.encode(text.decode("utf-8", "replace")).ids)
        return self._known[text]


def main() -> None:
    """Print one line per kind of prompt and factor."""
    if len(sys.argv) < 2 or find_spec("tokenizers") is None:
        print("Skipped: give it a tokenizer, and install the package `tokenizers`; see the top of this file.")
        return
    truth = Truth(sys.argv[1])
    print("kind                   factor  prompts   as estimated          as learnt")
    print("                                         median   90 %        median   90 %")
    for factor in FACTORS:
        for kind, sessions in (("recorded corpus", corpus()), ("sessions of our own", agents(12))):
            raw, learnt = errors(list(sessions), truth, factor)
            if raw:
                print(f"{kind:22} {factor:5.2f}  {len(raw):7}  {shown(raw)}      {shown(learnt)}")


def errors(sessions: Iterable[list[Prompt]], truth: Truth, factor: float) -> tuple[list[float], list[float]]:
    """Relative errors of all prompts, in the order in which a gateway would see them."""
    raw, learnt, calibration = [], [], Calibration()
    for session in sessions:
        for prompt in session:
            real = round(truth(prompt) * factor)
            estimate = tokens.estimate_tokens(prompt)
            raw.append(abs(estimate / real - 1))
            learnt.append(abs(calibration.apply("m", estimate) / real - 1))
            told = round(real / WINDOW * 100, 3) * WINDOW / 100
            calibration = calibration.learn("m", estimated=estimate, measured=int(told))
    return raw, learnt


def shown(found: list[float]) -> str:
    deciles = statistics.quantiles(found, n=10)
    return f"{statistics.median(found) * 100:5.1f} % {deciles[-1] * 100:6.1f} %"


def corpus() -> Iterator[list[Prompt]]:
    folder = ROOT.parent / "shared" / "corpus"
    for path in sorted(folder.glob("claude-code-*.json")):
        record: dict[str, Any] = json.loads(path.read_bytes())
        if record["target"].partition("?")[0].endswith("/v1/messages") and "thread" not in record["body"]:
            yield [parse_messages(json.dumps(record["body"]).encode()).prompt]


def agents(count: int) -> Iterator[list[Prompt]]:
    """Sessions of an agent that reads this repository."""
    choose = random.Random(7)  # noqa: S311
    files = sorted(
        path for kind in ("*.py", "*.md", "*.toml", "*.lock", "*.mjs") for path in ROOT.rglob(kind)
    )
    files = [path for path in files if ".venv" not in path.parts and path.stat().st_size > 500]
    tools = tuple(
        Tool(
            name,
            f"{name} something in the project.",
            {"type": "object", "properties": {"path": {"type": "string"}}},
        )
        for name in ("Read", "Bash", "Grep")
    )
    for _ in range(count):
        system = (choose.choice(files).read_text("utf-8", "replace")[:8000],)
        prompt = Prompt(
            "m", (Turn("user", (Text("Find out why the test fails."),)),), system=system, tools=tools
        )
        session = []
        for number in range(40):
            text = choose.choice(files).read_text("utf-8", "replace")
            start = choose.randrange(max(1, len(text) - 3000))
            use = ToolUse(f"t{number}", "Read", {"path": str(choose.choice(files).relative_to(ROOT))})
            result = ToolResult(use.id, (Text(text[start : start + choose.randint(200, 6000)]),))
            said = Text(f"I will look at {use.input['path']} next.")
            turns = (*prompt.turns, Turn("assistant", (said, use)), Turn("user", (result,)))
            prompt = replace(prompt, turns=turns)
            session.append(prompt)
        yield session


if __name__ == "__main__":
    main()

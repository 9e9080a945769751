"""What the simulator says when no script tells it to: plausible enough for a client to hold a conversation with it.

It runs no model. It calls the tools that the user's words ask for, tells what came back, answers in JSON where
JSON is wanted, summarises when a client compacts its conversation, and thinks when it is told to.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from kiro_trio.simulator.intents import plan, wants_all_at_once
from kiro_trio.simulator.question import Question, ToolResult
from kiro_trio.simulator.samples import sample, title_of
from kiro_trio.simulator.scene import Scene, look
from kiro_trio.simulator.script import Say, Steps, Think

PIECE = 12
"""Characters per event, about what a model brings at a time."""
TOOL_PIECE = 24
QUOTED = 600
MOST_COUNTED = 20_000
SIGNATURE = "c2ltdWxhdGVkLXNpZ25hdHVyZQ=="

_COMPACTS = re.compile(r"respond with text only|your task is to create a detailed summary", re.IGNORECASE)
_WANTS_JSON = re.compile(
    r"\b(?:only|just|bare|nothing but|single|valid|must|conforms?|match(?:es|ing)?|respond|reply|format)\b[^\n]{0,120}\bJSON\b"
    r"|\bJSON\b[^\n]{0,120}\b(?:only|schema|object|conforms?|match(?:es|ing)?)\b",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"\{\s*\"")
_TOPIC = re.compile(r"isNewTopic")
_PATHS = re.compile(r"extract any file paths that this command", re.IGNORECASE)
_TITLES = re.compile(r"\b(?:write|generate|give|suggest)\b.{0,30}\btitle\b.*", re.IGNORECASE | re.DOTALL)
_COUNTS = re.compile(r"\bcount (?:up )?to (\d{1,6})\b", re.IGNORECASE)
_GREETS = re.compile(r"^\W*(?:hi|hello|hey|good (?:morning|evening|day)|greetings)\b", re.IGNORECASE)


def improvise(question: Question, every: float = 0.0) -> tuple[Steps, ...]:
    """What is said to a valid request; `every` is the pause between two events of text, in seconds."""
    scene = look(question)
    steps = next(said for habit in _HABITS if (said := habit(scene)))
    return tuple(_paced(step, every) for step in (*_thoughts(scene), *steps))


def _paced(step: Steps, every: float) -> Steps:
    if isinstance(step, Say | Think) and every:
        values = {name: getattr(step, name) for name in step.__struct_fields__}
        return type(step)(**values | {"every": every})
    return step


def _thoughts(scene: Scene) -> tuple[Steps, ...]:
    thought = f"The user says: {_brief(scene.ask)}. I see what I can do about it."
    if scene.thinks == "tags":
        return (Think(thought, tags=True, piece=PIECE),)
    if scene.thinks == "natively":
        return (Think(thought, SIGNATURE, piece=PIECE),)
    return (Think(signature=SIGNATURE),) if scene.thinks else ()


def _compacts(scene: Scene) -> tuple[Steps, ...]:
    if not _COMPACTS.search(scene.current):
        return ()
    told = "\n".join(f"   - {_brief(words)}" for words in scene.earlier[-20:]) or "   - nothing yet"
    return _say(
        "<analysis>\nI went through the conversation from its beginning.\n</analysis>\n\n"
        f"<summary>\n1. What the user asked for:\n{told}\n\n2. Where the work stands:\n"
        "   - Everything up to here was answered.\n\n3. Next step:\n   - Wait for the user.\n</summary>"
    )


def _answers_in_json(scene: Scene) -> tuple[Steps, ...]:
    if _TOPIC.search(scene.text):
        return _say(json.dumps({"isNewTopic": True, "title": title_of(scene.ask, 3)}))
    told = scene.current if scene.tools else scene.text
    if scene.results or "json" not in told.lower() or not _WANTS_JSON.search(told):
        return ()
    schema = _schema_in(scene.current) or _schema_in(told)
    if schema is None and scene.tools:
        return ()
    value = {"answer": _brief(scene.ask)} if schema is None else sample(schema, scene.ask)
    return _say(json.dumps(value, ensure_ascii=False))


def _schema_in(text: str) -> Mapping[str, Any] | None:
    """The last JSON Schema of an object that stands in the text."""
    decoder = json.JSONDecoder()
    schema = None
    position = 0
    while found := _OBJECT.search(text, position):
        position = found.start() + 1
        try:
            value, end = decoder.raw_decode(text, found.start())
        except ValueError:
            continue
        if isinstance(value, dict) and value.get("type") == "object" and "properties" in value:
            schema, position = value, end
    return schema


def _extracts_paths(scene: Scene) -> tuple[Steps, ...]:
    if not _PATHS.search(scene.text):
        return ()
    return _say("<is_displaying_contents>\nfalse\n</is_displaying_contents>\n\n<filepaths>\n</filepaths>")


def _names_conversations(scene: Scene) -> tuple[Steps, ...]:
    if scene.tools or not _TITLES.search(scene.ask):
        return ()
    return _say(title_of((*scene.earlier, _TITLES.sub("", scene.ask))[0]))


def _calls_tools(scene: Scene) -> tuple[Steps, ...]:
    calls = plan(scene)
    done = len(scene.calls)
    if done >= len(calls) or any(result.status == "error" for result in scene.results):
        return ()
    now = calls[done:] if wants_all_at_once(scene) else calls[done : done + 1]
    announced = "Next" if done else "I'll do that"
    tools = " and ".join(dict.fromkeys(call.name for call in now))
    pieces = [type(call)(call.name, call.input, piece=TOOL_PIECE) for call in now]
    return (*_say(f"{announced}: {tools}."), *pieces)


def _tells_results(scene: Scene) -> tuple[Steps, ...]:
    if not scene.results:
        return ()
    return _say("\n\n".join(map(_told, scene.results)))


def _told(result: ToolResult) -> str:
    text = result.text.strip()
    shown = text if len(text) <= QUOTED else f"{text[:QUOTED]}\n[and {len(text) - QUOTED} characters more]"
    said = (
        "That did not work. The tool says:" if result.status == "error" else "Done. Here is what came back:"
    )
    return f"{said}\n\n```\n{shown}\n```"


def _counts(scene: Scene) -> tuple[Steps, ...]:
    found = _COUNTS.search(scene.ask)
    if found is None:
        return ()
    most = min(int(found[1]), MOST_COUNTED)
    return (Say((*(f"{number}, " for number in range(1, most)), f"{most}.")),)


def _answers(scene: Scene) -> tuple[Steps, ...]:
    greeting = "Hello! " if _GREETS.match(scene.ask) else ""
    heard = f"You said: “{_brief(scene.ask)}”. " if scene.ask else ""
    return _say(
        f"{greeting}{heard}I am a simulated Kiro and run no model, but I heard every word. "
        "Ask me to run a command, or to read, write or edit a file, and I will call your tools."
    )


def _say(text: str) -> tuple[Steps, ...]:
    return (Say(text, PIECE),)


def _brief(words: str, most: int = 160) -> str:
    line = " ".join(words.split())
    return line if len(line) <= most else f"{line[:most].rstrip()}…"


_HABITS: tuple[Callable[[Scene], tuple[Steps, ...]], ...] = (
    _compacts,
    _answers_in_json,
    _extracts_paths,
    _names_conversations,
    _calls_tools,
    _tells_results,
    _counts,
    _answers,
)

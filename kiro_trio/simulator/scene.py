"""What a request is about: the user's own words without what clients put round them, the tools, what came back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kiro_trio.simulator.question import Question, ToolResult, ToolSpecification, ToolUse, UserMessage

_ASIDES = re.compile(
    r"<(system-reminder|system|thinking_mode|max_thinking_length|thinking_effort|thinking_instruction|env|context)>"
    r".*?</\1>",
    re.DOTALL,
)
_MARKUP = re.compile(r"</?[a-z][\w-]*>")
_DIRECTORY = re.compile(r"[Ww]orking directory(?: is)?:?\s*`?(/[^\s`]*)")
_TAGS = re.compile(r"<thinking_mode>(enabled|adaptive|interleaved)</thinking_mode>")
_PRIMED = re.compile(r"follow these instructions", re.IGNORECASE)
SHORT = 600
"""A paragraph of more characters is an instruction, not what a person asks."""

DEMANDS = 300
"""So many characters at the end of a message may tell how to answer it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`ask` is the last thing the user wanted, `calls` the tool calls made for it since, `results` what came now.

    `text` is everything said outside the assistant's turns, `current` the current message as it came, `demands` what
    its end asks of the form of the answer.
    """

    ask: str
    current: str
    demands: str
    text: str
    tools: Mapping[str, ToolSpecification]
    calls: tuple[ToolUse, ...]
    results: tuple[ToolResult, ...]
    directory: str
    earlier: tuple[str, ...]
    thinks: str = ""

    def path(self, name: str) -> str:
        """An absolute path, if the working directory is known."""
        return name if name.startswith(("/", "~")) or not self.directory else f"{self.directory}/{name}"


def look(question: Question) -> Scene:
    """See what a valid request is about."""
    users = list(question.users)
    speakers = users[1:] if len(users) > 1 and _PRIMED.search(_first_reply(question)) else users
    text = "\n".join(user.content for user in users)
    directory = _DIRECTORY.search(text)
    asks = [words for user in speakers if (words := own_words(user))]
    return Scene(
        ask=asks[-1] if asks else "",
        current=question.current.content,
        demands=_ASIDES.sub("", question.current.content)[-DEMANDS:],
        text=text,
        tools={tool.name.lower(): tool for tool in question.current.tools},
        calls=_calls_since_ask(question),
        results=question.current.results,
        directory=directory.group(1).rstrip("/.,") if directory else "",
        earlier=tuple(asks[:-1]),
        thinks=_thinks(question, text),
    )


def own_words(user: UserMessage) -> str:
    """What a person may have typed: the first short paragraph outside reminders and markup; "" beside results."""
    if user.results:
        return ""
    without_asides = _ASIDES.sub("\n\n", user.content)
    text = _MARKUP.sub("\n", without_asides)
    paragraphs = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text)]
    plain = [one for one in paragraphs if one and len(one) <= SHORT and not one.startswith(("#", "- "))]
    if not plain:
        return text.strip()[:SHORT]
    return plain[-1 if "<system-reminder>" in without_asides else 0]  # what follows a reminder without an end


def _first_reply(question: Question) -> str:
    return next((assistant.content for assistant in question.assistants), "")


def _calls_since_ask(question: Question) -> tuple[ToolUse, ...]:
    calls: list[ToolUse] = []
    for message in question.history:
        if message.user_input_message is not None and not message.user_input_message.results:
            calls.clear()
        if message.assistant_response_message is not None:
            calls.extend(message.assistant_response_message.calls)
    return tuple(calls) if question.current.results else ()


def _thinks(question: Question, text: str) -> str:
    fields = question.additional_model_request_fields or {}
    thinking = fields.get("thinking")
    if isinstance(thinking, dict) and thinking.get("display") == "omitted":
        return "unseen"
    if fields:
        return "natively"
    return "tags" if _TAGS.search(text) else ""

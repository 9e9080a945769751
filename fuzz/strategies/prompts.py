"""Prompts to try things with: any sequence of turns at all, with tools, wishes and options."""

from hypothesis import strategies as st

from fuzz.strategies.json_values import one_of_many
from kiro_trio.conversation.prompt import (
    Choice,
    Document,
    Image,
    Prompt,
    RedactedThinking,
    Text,
    Thinking,
    ThinkingMode,
    ThinkingWish,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Turn,
    WebSearch,
)
from kiro_trio.kiro.options import EarlierThinking, Prefill, RequestOptions
from tests.kiro.prompts import PNG

CALL_IDS = ["a", "b", "toolu_1", "", "bad id!", "x" * 70, "ä"]
TOOL_NAMES = ["Read", "read", "Bash", "mcp.dotted/name", "x" * 70, "9lives", "", "ü"]


WORD = "⟨#⟩"
"""Stands in the text of a generated block; every one becomes a word of its own, to be seen again."""

TEXTS = [
    WORD,
    f" {WORD} ",
    f"{WORD}\n",
    f"<thinking>{WORD}</thinking>",
    f"<system-reminder>{WORD}",
    f'"{WORD}\\',
    "",
    " ",
    "\n",
]
MEDIA = [
    Image("image/png", PNG),
    Image("image/jpg", "/9j/4AAQ"),
    Image("image/bmp", "Qk0="),
    Image("image/png", "no base64"),
    Document("application/pdf", "JVBERi0="),
    Document("application/x-unknown", "AAAA", "a"),
]
INPUTS = [{}, {"path": "a.txt"}, {"": 1, "_": [{"": 2}]}, {"deep": {"": {"": None}}}]
CONTENTS = [(), (Text(""),), (Text(WORD),), (Text(WORD), MEDIA[0], Text(WORD)), (MEDIA[4], MEDIA[2])]
THINKING = [
    *(Thinking(text, signature) for text in ("", "deep thought") for signature in ("", "c2lnbmVk")),
    RedactedThinking("c2VhbGVk"),
    RedactedThinking("no base64!"),
]

# One draw per block: drawing every part by itself takes ten times as long.
BLOCKS = st.one_of(
    st.sampled_from([Text(text) for text in TEXTS]),
    st.sampled_from([ToolUse(i, name, inputs) for inputs in INPUTS for name in TOOL_NAMES for i in CALL_IDS]),
    st.sampled_from(
        [ToolResult(i, content, e) for content in CONTENTS for i in CALL_IDS for e in (False, True)]
    ),
    st.sampled_from([*MEDIA, *THINKING]),
)


def conversations(max_turns=8):
    """Any turns, and the words that were said in them."""
    roles = st.sampled_from(["user", "assistant", "system"])
    turns = st.lists(st.builds(Turn, roles, st.lists(BLOCKS, max_size=4).map(tuple)), max_size=max_turns)
    return turns.map(_with_words)


def _with_words(turns):
    words = []

    def text_with_word(text):
        if WORD not in text:
            return text
        words.append(f"⟨{len(words)}⟩")
        return text.replace(WORD, words[-1])

    def with_words(block):
        match block:
            case Text(text):
                return Text(text_with_word(text))
            case ToolResult(call_id, content, is_error):
                return ToolResult(call_id, tuple(map(with_words, content)), is_error)
            case _:
                return block

    return tuple(Turn(turn.role, tuple(map(with_words, turn.blocks))) for turn in turns), words


SCHEMAS = [
    {},
    {"type": "object", "properties": {"path": {"type": "string"}}, "required": None},
    {"type": ["object", "null"], "properties": None},
    {"oneOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]},
    {
        "$ref": "#/$defs/T",
        "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}},
    },
    {"type": "object", "properties": {"x": {"properties": None, "required": True}}},
]


TOOLS = one_of_many(
    [
        Tool(name, description, schema)
        for name in (*TOOL_NAMES, "Write", "Edit")
        for description in ("", "Does.", "y" * 12_000)
        for schema in SCHEMAS
    ]
)
WISHES = st.sampled_from(
    [
        ThinkingWish(mode, budget, effort)
        for mode in ThinkingMode
        for budget in (1024, 31_999)
        for effort in (None, "low", "max")
    ]
)
MODELS = ["claude-sonnet-4-5", "claude-opus-4-6", "auto", "claude-opus-5-5", "gpt-5.6-sol", "m"]


@st.composite
def prompts(draw):
    """Any prompt, and the words that were said in its turns."""
    turns, said = draw(conversations())
    tools = tuple(draw(st.lists(TOOLS, max_size=5)))
    choice = draw(st.sampled_from(Choice if tools else [Choice.AUTO, Choice.NONE, Choice.ANY]))
    prompt = Prompt(
        model=draw(st.sampled_from(MODELS)),
        turns=turns,
        system=draw(st.sampled_from([(), ("Be brief.", ""), ("Be brief.", "You are a helper.")])),
        tools=tools,
        web_search=draw(st.sampled_from([None, WebSearch(), WebSearch("Read")])),
        tool_choice=ToolChoice(choice, tools[0].name if choice is Choice.TOOL else ""),
        thinking=draw(WISHES),
        json_schema=draw(st.sampled_from([None, {"type": "object"}])),
    )
    return prompt, said


prefills = st.sampled_from([Prefill.CONTINUE, Prefill.DROP])
options = st.builds(
    RequestOptions,
    prefill=prefills,
    earlier_thinking=st.sampled_from(EarlierThinking),
    strict_schemas=st.booleans(),
    native_documents=st.booleans(),
    continue_descriptions=st.booleans(),
)

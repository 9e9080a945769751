"""Which tools the user's words call for: a small grammar of requests, as tables of patterns."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kiro_trio.simulator.question import ToolSpecification
from kiro_trio.simulator.samples import sample
from kiro_trio.simulator.scene import Scene
from kiro_trio.simulator.script import CallTool

FEW_TOOLS = 3
"""So few tools are there for the question at hand; of more, one is called only when it is named."""
COMMANDS = (
    "awk|cat|cd|cp|curl|cut|date|df|diff|du|echo|env|false|file|find|git|go|grep|head|hostname|id|jq|ls|make|mkdir|mv"
    "|node|npm|pip|printf|ps|pwd|pytest|python|python3|ruff|sed|seq|sleep|sort|stat|tail|tee|test|touch|tr|true|uname"
    "|uniq|wc|which|whoami|xargs"
)
_QUOTED = r"(?:`(?P<{0}q>[^`]+)`|\"(?P<{0}d>[^\"]+)\"|'(?P<{0}s>[^']+)')"
_FILE = r"(?:`(?P<{0}q>[^`\s]+)`|(?P<{0}p>(?<![\w/:.])(?!https?:)(?:[~./\w-]*\w\.\w{{1,8}}\b|/[\w./-]+)))"

_RUN = re.compile(
    r"\b(?:run|execute)\b(?:\s+(?:this|the|a|following|shell|bash|command|commands|in bash))*\s*:?\s*"
    r"(?:`(?P<quoted>[^`]+)`|(?P<plain>(?:" + COMMANDS + r"|\./\S+|/\S+)\b[^\n]*))",
    re.IGNORECASE,
)
_AFTERTHOUGHT = re.compile(
    r"(?:[,;]? (?:and|then) (?:then )?(?:tell|show|say|report|explain|give|summari[sz]e|run|execute)\b.*|[ ,]+please\b.*"
    r"|[.?!]+\s*$)",
    re.IGNORECASE | re.DOTALL,
)
_SAYINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\blist (?:all )?(?:the |my )?(?:files|directory)|what files are\b", re.IGNORECASE),
        "ls -la",
    ),
    (re.compile(r"\bwhat(?:'s| is) the (?:current )?(?:date|time)\b|what day is", re.IGNORECASE), "date"),
    (re.compile(r"\b(?:which|what) directory\b|\bwhere are we\b", re.IGNORECASE), "pwd"),
)
_EDIT = re.compile(
    r"\b(?:replace|change)\s+" + _QUOTED.format("old") + r"\s+(?:with|by|to|into)\s+" + _QUOTED.format("new")
    + r"\s+in\s+(?:the\s+)?(?:file\s+)?" + _FILE.format("file"),
    re.IGNORECASE,
)  # fmt: skip
_WRITE = re.compile(
    r"\b(?:write|create|make|save|put)\b(?P<before>.*?)\b(?:to|into|in|file|called|named)\s+(?:the\s+)?(?:file\s+)?"
    + _FILE.format("file"),
    re.IGNORECASE | re.DOTALL,
)
_CONTENT = re.compile(
    r"\b(?:containing|saying|content|contents|text|words?|line|with|write|put|save)\b[:\s]*"
    + _QUOTED.format("text"),
    re.IGNORECASE,
)
_READ = re.compile(
    r"\b(?:read|open|show|print|display|view|cat|look at|check|summari[sz]e|explain|what is in|what's in)\b.*?"
    + _FILE.format("file"),
    re.IGNORECASE | re.DOTALL,
)
_MUST = re.compile(r"\bcalling at least one of your tools\b", re.IGNORECASE)
_AT_ONCE = re.compile(r"\b(?:in parallel|at once|at the same time)\b", re.IGNORECASE)

_TOOLS: Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    # what for: names of tools that do it, then for each value the names its property may have
    "run": (
        ("bash", "shell", "execute_bash", "run_command", "run_shell_command", "exec"),
        (("command", "cmd", "script"),),
    ),
    "read": (("read", "read_file", "fs_read", "view"), (("file_path", "path", "filename"),)),
    "write": (
        ("write", "write_file", "fs_write", "create_file"),
        (("file_path", "path", "filename"), ("content", "contents", "text", "file_text")),
    ),
    "edit": (
        ("edit", "edit_file", "str_replace"),
        (("file_path", "path", "filename"), ("old_string", "old_str"), ("new_string", "new_str")),
    ),
}


def plan(scene: Scene) -> list[CallTool]:
    """The calls that the user's words want, in order; empty when they want none that can be made."""
    for wish in (_edits, _writes, _runs, _reads, _named):
        if calls := list(wish(scene)):
            return calls
    return []


def wants_all_at_once(scene: Scene) -> bool:
    """Whether all calls of the plan are to be made in one reply."""
    return bool(_AT_ONCE.search(scene.ask))


def _runs(scene: Scene) -> Iterator[CallTool]:
    for found in _RUN.finditer(scene.ask):
        command = found["quoted"] or _AFTERTHOUGHT.sub("", found["plain"]).strip()
        if command:
            yield from _call(scene, "run", command)
    if _RUN.search(scene.ask) is None:
        for pattern, command in _SAYINGS:
            if pattern.search(scene.ask):
                yield from _call(scene, "run", command)


def _reads(scene: Scene) -> Iterator[CallTool]:
    if found := _READ.search(scene.ask):
        yield from _call(scene, "read", scene.path(found["fileq"] or found["filep"]))


def _writes(scene: Scene) -> Iterator[CallTool]:
    if found := _WRITE.search(scene.ask):
        quoted = _CONTENT.search(scene.ask)
        text = _unquoted(quoted, "text") if quoted else f"A file for: {scene.ask}"
        yield from _call(scene, "write", scene.path(found["fileq"] or found["filep"]), text + "\n")


def _edits(scene: Scene) -> Iterator[CallTool]:
    """Clients want a file to be read before it is edited."""
    if found := _EDIT.search(scene.ask):
        path = scene.path(found["fileq"] or found["filep"])
        edit = list(_call(scene, "edit", path, _unquoted(found, "old"), _unquoted(found, "new")))
        if edit:
            yield from _call(scene, "read", path)
        yield from edit


def _named(scene: Scene) -> Iterator[CallTool]:
    """A tool that is called by name, or one of a few whose name shares a word with what the user says."""
    said = scene.ask.lower()
    demanded = f"{said}\n{scene.demands.lower()}"
    for tool in scene.tools.values():
        by_name = rf"\b(?:use|using|call|calling)\b\W+(?:the\W+)?(?:tool\W+)?{re.escape(tool.name.lower())}\b"
        if re.search(by_name, demanded) or _MUST.search(demanded):
            yield CallTool(tool.name, sample(tool.input_schema.json, scene.ask))
            return
    for tool in scene.tools.values():
        words = re.findall(r"[a-z]{4,}", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tool.name).lower())
        if len(scene.tools) <= FEW_TOOLS and any(re.search(rf"\b{word}", said) for word in words):
            yield CallTool(tool.name, sample(tool.input_schema.json, scene.ask))
            return


def _call(scene: Scene, purpose: str, *values: str) -> Iterator[CallTool]:
    """A call of the tool for this purpose, if the client has one with such properties."""
    names, properties = _TOOLS[purpose]
    tool = next((scene.tools[name] for name in names if name in scene.tools), None)
    if tool is None:
        return
    known = _properties(tool)
    keys = [next((one for one in choices if one in known), choices[0]) for choices in properties]
    given: dict[str, Any] = dict(zip(keys, values, strict=True))
    yield CallTool(tool.name, given | _required(tool, given, scene.ask))


def _required(tool: ToolSpecification, given: Mapping[str, Any], words: str) -> dict[str, Any]:
    """Values for other properties that the schema wants."""
    schema = tool.input_schema.json
    required = schema.get("required") or [] if isinstance(schema, dict) else []
    return {key: sample(_properties(tool).get(key, {}), words) for key in required if key not in given}


def _properties(tool: ToolSpecification) -> Mapping[str, Any]:
    schema = tool.input_schema.json
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def _unquoted(found: re.Match[str], group: str) -> str:
    return found[f"{group}q"] or found[f"{group}d"] or found[f"{group}s"]

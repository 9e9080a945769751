import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.simulator import Match, Reply, Rule, Script, ScriptError, load_script, parse_script
from kiro_trio.simulator.refusals import REFUSALS, Status
from kiro_trio.simulator.script import (
    CallTool,
    Cut,
    Event,
    Extra,
    Framing,
    Pause,
    Raw,
    Say,
    Stall,
    Think,
    Throw,
)

text = st.text(max_size=10)
seconds = st.none() | st.floats(0, 1000)
steps = st.one_of(
    st.builds(Say, text=text | st.lists(text, max_size=2).map(tuple), piece=st.integers(0, 9)),
    st.builds(Think, text=text, tags=st.booleans()),
    st.builds(CallTool, name=text, input=st.dictionaries(text, st.integers()) | text),
    st.builds(Event, name=text, payload=st.dictionaries(text, st.booleans() | text)),
    st.builds(Throw, type=text, reason=st.none() | text),
    st.builds(Raw, data=st.binary(max_size=5)),
    st.builds(Pause, seconds=seconds),
)
misfortunes = st.one_of(
    st.builds(Cut, at=st.none() | st.integers(0, 99), how=st.sampled_from(["reset", "close", "end"])),
    st.builds(Extra, data=st.binary(max_size=5), outside=st.booleans()),
    st.builds(Stall, at=st.none() | st.integers(0, 99), seconds=seconds),
    st.builds(Framing, body=st.sampled_from(["chunked", "length", "close", "noend"])),
)
statuses = st.sampled_from(sorted(REFUSALS)) | st.builds(
    Status, code=st.integers(100, 599), error=text, message=text
)
replies = st.builds(
    Reply,
    steps=st.none() | st.lists(steps, max_size=3).map(tuple),
    status=st.none() | statuses,
    misfortunes=st.lists(misfortunes, max_size=3).map(tuple),
    bare=st.booleans(),
)
matches = st.builds(
    Match, prompt=text, model=text, account=text, nth=st.lists(st.integers(1, 9), max_size=2).map(tuple)
)
scripts = st.lists(st.builds(Rule, matches, replies), max_size=3).map(lambda rules: Script(tuple(rules)))


@given(scripts)
@settings(max_examples=50)
def test_a_script_survives_json(script: Script) -> None:
    assert parse_script(msgspec.json.encode(script).decode()) == script


def test_a_script_in_toml() -> None:
    script = parse_script("""
        [[rules]]
        when = { account = "a@example.com", nth = [1, 2] }
        reply.status = "throttled"

        [[rules]]
        when.pattern = "read .*"
        [rules.reply]
        steps = [
            { do = "think", text = "hm", tags = true },
            { do = "say", text = ["Hel", "lo"], every = 0.5 },
            { do = "call-tool", name = "Read", input = { path = "a" }, piece = 3 },
            { do = "pause" },
            { do = "raw", data = "AAE=" },
        ]
        misfortunes = [{ kind = "cut", at = 100, how = "close" }]
    """)
    said = (
        Think("hm", tags=True),
        Say(("Hel", "lo"), every=0.5),
        CallTool("Read", {"path": "a"}, piece=3),
        Pause(),
        Raw(b"\0\1"),
    )
    assert script.rules == (
        Rule(Match(account="a@example.com", nth=(1, 2)), Reply(status="throttled")),
        Rule(Match(pattern="read .*"), Reply(said, misfortunes=(Cut(100, "close"),))),
    )


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('{"rules": [{"reply": {"steps": [{"do": "sing"}]}}]}', r"sing.*rules\[0\].reply.steps\[0\].do"),
        ('{"rules": [{"when": {"promt": "x"}}]}', r"promt.*rules\[0\].when"),
        ('{"rules": [{"reply": {"misfortunes": [{"kind": "cut", "at": "x"}]}}]}', r"misfortunes\[0\].at"),
        ('{"rules": [{"when": {"body": "("}}]}', r"missing \).*rules\[0\].when.body"),
        ('{"rules": [{"when": {"pattern": "("}}]}', r"missing \).*rules\[0\].when.pattern"),
        ('{"rules": [{}, {"reply": {"status": "nope"}}]}', r"'nope'.*throttled.*rules\[1\].reply.status"),
        ("{", "truncated"),
        ("rules =", "Invalid value"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source: str, complaint: str) -> None:
    with pytest.raises(ScriptError, match=complaint):
        parse_script(source)


def test_every_refusal_is_a_status_that_clients_take_for_an_error() -> None:
    assert all(400 <= status.code < 600 for status in REFUSALS.values())


def test_scripts_come_from_files_and_from_text(tmp_path) -> None:
    script = Script((Rule(reply=Reply(status="daily")),))
    json_text = msgspec.json.encode(script).decode()
    toml_text = '[[rules]]\nreply.status = "daily"\n'
    file = tmp_path / "script.toml"
    file.write_text(toml_text)
    assert (
        load_script(json_text)
        == load_script(toml_text)
        == load_script(file)
        == load_script(str(file))
        == script
    )


def test_a_file_that_is_no_script_is_named(tmp_path) -> None:
    file = tmp_path / "bad.json"
    file.write_text("[]")
    with pytest.raises(ScriptError, match=r"bad\.json"):
        load_script(file)
    with pytest.raises(ScriptError, match=r"missing\.json"):
        load_script(tmp_path / "missing.json")

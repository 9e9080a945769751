import pytest
import trio

from kiro_trio.conversation.prompt import Document, Image, Prompt, Text, ToolResult, Turn
from kiro_trio.gateway import documents
from kiro_trio.gateway.documents import DocumentLimits, DocumentReader
from tests.gateway.pdfs import bomb, in_base64, pdf

PNG = Image("image/png", "iVBORw0KGgo=")


def document(data: bytes, name: str = "") -> Document:
    return Document("application/pdf", in_base64(data), name)


def asking(*blocks) -> Prompt:
    return Prompt("m", (Turn("user", blocks),), warnings=("w",))


async def read(*blocks, **limits) -> tuple[list, tuple[str, ...]]:
    prompt = await DocumentReader(DocumentLimits(**limits)).read(asking(*blocks))
    return list(prompt.turns[0].blocks), prompt.warnings


async def test_the_text_stands_where_the_document_stood():
    first, note = Text("look:"), Text("that was it")
    blocks, warnings = await read(first, document(pdf("Hello\nthere", "Second page"), 'a "b".pdf'), note, PNG)
    assert blocks == [
        first,
        Text("<document title=\"a 'b'.pdf\">\n[page 1]\nHello\nthere\n[page 2]\nSecond page\n</document>"),
        note,
        PNG,
    ]
    assert warnings == ("w", "PDF read as text (1)")


async def test_documents_in_results_of_tools_too():
    result = ToolResult("t1", (Text("read:"), document(pdf("Inside"))), is_error=False)
    (block,), _ = await read(result)
    assert block.tool_use_id == "t1"
    assert block.content == (Text("read:"), Text("<document>\n[page 1]\nInside\n</document>"))


async def test_without_pdfs_the_prompt_is_the_same_one():
    prompt = asking(Text("a"), PNG, Document("application/msword", "AAAA"))
    assert await DocumentReader().read(prompt) is prompt


async def test_pages_beyond_the_limit_are_told():
    (block,), _ = await read(document(pdf("one", "two", "three")), pages=2)
    assert "[page 2]\ntwo" in block.text
    assert "three" not in block.text
    assert "up to page 3, could not be passed on" in block.text


async def test_empty_pages_are_left_out():
    (block,), _ = await read(document(pdf("one", "", "three")))
    assert block.text == "<document>\n[page 1]\none\n[page 3]\nthree\n</document>"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"%PDF-1.4\n%%EOF\n", "that could not be read"),
        (b"no pdf at all", "that could not be read"),
        (bomb(200), "that could not be read"),
        (pdf(""), "without text"),
    ],
)
async def test_what_cannot_be_read_becomes_a_note_that_says_why(data, problem):
    (block,), warnings = await read(document(data, "x.pdf"))
    assert block.text.startswith(f'[Here stood a PDF title="x.pdf" {problem}')
    assert warnings == ("w", f"PDF {problem} (1)")


async def test_what_is_not_base64_becomes_a_note():
    (block,), _ = await read(Document("application/pdf", "§§§"))
    assert "that could not be read" in block.text


async def test_too_large_a_file_is_not_read_at_all(monkeypatch):
    monkeypatch.setattr(documents, "_PROGRAM", "/nowhere")
    (block,), _ = await read(document(pdf("one") + b" " * 5000), size=4096)
    assert "too large to be read" in block.text


async def test_a_document_that_takes_too_long_is_given_up():
    with trio.fail_after(30):
        (block,), warnings = await read(document(bomb(60)), seconds=2)
    assert "that took too long to read" in block.text
    assert warnings[-1] == "PDF that took too long to read (1)"


async def test_the_loop_goes_on_while_a_document_is_read():
    beats, longest = 0, 0.0
    async with trio.open_nursery() as nursery:

        async def beat() -> None:
            nonlocal beats, longest
            while True:
                before = trio.current_time()
                await trio.sleep(0.01)
                longest = max(longest, trio.current_time() - before)
                beats += 1

        nursery.start_soon(beat)
        await read(document(bomb(20)), seconds=2)
        nursery.cancel_scope.cancel()
    assert beats > 20
    assert longest < 1.0


async def test_a_document_is_read_once(monkeypatch):
    reader = DocumentReader()
    prompt = asking(document(pdf("Hello"), "a"))
    first = await reader.read(prompt)
    monkeypatch.setattr(documents, "_PROGRAM", "/nowhere")
    assert await reader.read(prompt) == first
    other = await reader.read(asking(document(pdf("Hello"), "b")))
    assert 'title="b"' in other.turns[0].blocks[0].text


async def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(documents, "_REMEMBERED_CHARACTERS", 250)
    reader = DocumentReader()
    for number in range(4):
        await reader.read(asking(document(pdf(f"page {number}"))))
    assert len(reader._known) == 2


async def test_a_very_long_text_is_cut(monkeypatch):
    monkeypatch.setattr(documents, "_MOST_CHARACTERS", 10)
    (block,), _ = await read(document(pdf("12345", "6789\\(abc", "never")))
    assert "6789\n" in block.text
    assert "abc" not in block.text
    assert "never" not in block.text


async def test_leaving_kills_the_reading(monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import os, pathlib, sys, time\n"
                       f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
                       "time.sleep(60)\n")  # fmt: skip
    monkeypatch.setattr(documents, "_PROGRAM", program)
    with trio.fail_after(20), trio.move_on_after(1.0) as scope:
        await read(document(pdf("x")))
    assert scope.cancelled_caught
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        documents.os.kill(pid, 0)


async def test_the_parser_sees_nothing_of_our_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KIRO_API_KEY", "ksk_dummy")
    program = tmp_path / "program.py"
    program.write_text("import json, os, sys\nprint(1)\nprint(json.dumps(' '.join(os.environ) + ' x'))\n")
    monkeypatch.setattr(documents, "_PROGRAM", program)
    (block,), _ = await read(document(pdf("x")))
    assert "KIRO" not in block.text

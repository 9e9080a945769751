import pytest
from hypothesis import given, settings

from fuzz.strategies.prompts import conversations, options
from kiro_trio.conversation.prompt import Document, Image, Text, ToolResult
from kiro_trio.kiro.limits import Limits, PromptRefused
from kiro_trio.kiro.media import admit
from kiro_trio.kiro.options import RequestOptions, Unsupported
from kiro_trio.kiro.tally import Tally
from tests.kiro.prompts import PNG, result, user

IMAGE = Image("image/png", PNG)
PDF = Document("application/pdf", "JVBERi0=", "a")


def admitted(*turns, **changes):
    tally = Tally()
    return admit(turns, RequestOptions(**changes), tally), tally.warnings()


@settings(max_examples=40)
@given(conversations(), options)
def test_admitting_again_changes_nothing(conversation, chosen):
    turns, _ = conversation
    once, tally = admit(turns, chosen, Tally()), Tally()
    assert admit(once, chosen, tally) == once
    assert tally.warnings() == ()


def test_without_images_and_documents_it_is_the_same_object():
    turns = (user("a"), user(result("t")))
    assert admit(turns, RequestOptions(), Tally()) is turns


@pytest.mark.parametrize(
    ("declared", "data", "kind"),
    [
        ("image/png", PNG, "image/png"),
        ("image/jpg", "/9j/4AAQ", "image/jpeg"),
        ("image/jpeg", "/9j/4AAQ", "image/jpeg"),
        ("image/gif", "R0lGODlh", "image/gif"),
        ("image/webp", "UklGRiQA", "image/webp"),
        ("IMAGE/PNG", PNG, "image/png"),
    ],
)
def test_supported_images_are_called_as_kiro_calls_them(declared, data, kind):
    assert admitted(user(Image(declared, data))) == ((user(Image(kind, data)),), ())


def test_an_image_is_what_its_first_bytes_say():
    assert admitted(user(Image("image/png", "/9j/4AAQ"))) == (
        (user(Image("image/jpeg", "/9j/4AAQ")),),
        ("type of an image corrected (1)",),
    )


@pytest.mark.parametrize(
    ("image", "remark"),
    [
        (Image("image/bmp", "Qk0="), "image of an unsupported type replaced by a note (1)"),
        (Image("image/png", "Qk0="), "image of an unsupported type replaced by a note (1)"),
        (Image("image/png", PNG[:-1]), "image that is not base64 replaced by a note (1)"),
        (Image("image/png", "iVBORw0KGgo*"), "image that is not base64 replaced by a note (1)"),
        (Image("image/png", "iVBORw=KGgoA"), "image that is not base64 replaced by a note (1)"),
        (Image("image/png", "ä" * 4), "image that is not base64 replaced by a note (1)"),
        (Image("image/png", ""), "image that is not base64 replaced by a note (1)"),
        (Image("image/png", "iVBORw0KGgoA" + "A" * 400), "image over the size limit replaced by a note (1)"),
    ],
)
def test_what_kiro_would_refuse_is_a_note_or_a_refusal(image, remark):
    limits = Limits(image_bytes=100)
    (turn,), warnings = admitted(user("see", image, "?"), limits=limits)
    see, note, _ = turn.blocks
    assert see == Text("see")
    assert note.text.startswith("[Here stood an image")
    assert warnings == (remark,)
    with pytest.raises(PromptRefused) as refusal:
        admitted(user("a"), user(image), limits=limits, unsupported=Unsupported.REFUSE)
    assert refusal.value.path == "messages.1.content"
    assert "Could not process " in refusal.value.message


def test_of_too_many_images_the_newest_stay_also_in_results():
    turns = (user(IMAGE), user(ToolResult("t", (IMAGE, Text("x")))), user(IMAGE, IMAGE))
    made, warnings = admitted(*turns, limits=Limits(images=2))
    assert [isinstance(turn.blocks[0], Image) for turn in made] == [False, False, True]
    assert "An image stood here" in made[0].blocks[0].text
    assert "An image stood here" in made[1].blocks[0].content[0].text
    assert made[2] == turns[2]
    assert warnings == ("old image replaced by a note (2)",)


def test_where_images_went_the_history_stays_the_same_for_a_while():
    """With one image per turn, of 40 turns only some change what was said before."""
    limits, changes, before = Limits(images=20), 0, ()
    for count in range(1, 61):
        made, _ = admitted(*[user(IMAGE)] * count, limits=limits)
        kept = sum(isinstance(turn.blocks[0], Image) for turn in made)
        assert min(count, 16) <= kept <= 20
        assert all(isinstance(turn.blocks[0], Image) for turn in made[-kept:])
        changes += made[: len(before)] != before
        before = made
    assert changes == 40 / 5


@pytest.mark.parametrize("most", [1, 2, 3, 4, 7])
def test_a_small_limit_leaves_something(most):
    for count in range(1, 30):
        made, _ = admitted(*[user(IMAGE)] * count, limits=Limits(images=most))
        assert 1 <= sum(isinstance(turn.blocks[0], Image) for turn in made) <= most


def test_documents_are_notes_unless_the_owner_wants_them_sent():
    noted, warnings = admitted(user(PDF))
    assert noted == (user("[Here stood a document of type application/pdf, which could not be passed on.]"),)
    assert warnings == ("document that cannot be passed on replaced by a note (1)",)
    assert admitted(user(PDF), native_documents=True) == ((user(PDF),), ())


def test_a_document_of_a_type_without_a_format_is_a_note_in_any_case():
    (turn,), _ = admitted(user(Document("application/zip", "UEs=")), native_documents=True)
    assert "application/zip" in turn.blocks[0].text


def test_names_of_documents_are_fit_and_differ_in_more_than_case():
    named = [Document("application/pdf", "JVBERi0=", name) for name in ("A/b:c", "a b c", "", "\n", "ü")]
    (turn,), _ = admitted(user(*named), native_documents=True)
    assert [block.name for block in turn.blocks] == [
        "A b c",
        "a b c (2)",
        "Document",
        "Document (2)",
        "Document (3)",
    ]

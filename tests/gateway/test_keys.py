from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.gateway.keys import digest_key, find_key, presented_keys

KNOWN = {"default": digest_key("sk-right"), "laptop": digest_key("sk-laptop")}


def test_either_header_is_enough() -> None:
    assert find_key(presented_keys({"x-api-key": "sk-right"}), KNOWN) == "default"
    assert find_key(presented_keys({"authorization": "Bearer sk-right"}), KNOWN) == "default"


def test_one_right_key_of_two_is_enough_whichever_it_is() -> None:
    for right, wrong in (("x-api-key", "authorization"), ("authorization", "x-api-key")):
        headers = {right: "sk-right", wrong: "sk-wrong"}
        headers["authorization"] = "Bearer " + headers["authorization"]
        assert find_key(presented_keys(headers), KNOWN) == "default"


def test_the_scheme_has_no_case_and_spaces_do_not_matter() -> None:
    assert find_key(presented_keys({"authorization": "bEaReR   sk-laptop "}), KNOWN) == "laptop"


def test_other_schemes_show_no_key() -> None:
    assert presented_keys({"authorization": "Basic sk-right"}) == []
    assert presented_keys({"authorization": "Bearer"}) == []
    assert presented_keys({"x-api-key": "  "}) == []


@given(st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    assert (find_key([text], KNOWN) is None) == (text not in {"sk-right", "sk-laptop"})

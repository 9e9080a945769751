import pytest

from kiro_trio.kiro.templates import check_template, fill


def test_values_are_not_looked_at_again():
    assert fill("a {token} b {region}", {"token": "{region}", "region": "r"}) == "a {region} b r"


def test_text_without_placeholders_stays():
    assert fill(check_template("plain } text {"), {}) == "plain } text {"


@pytest.mark.parametrize("template", ["{}", "{nope}", "{token.x}", "{token!r}"])
def test_unknown_placeholders_are_named(template):
    with pytest.raises(ValueError, match="unknown placeholder"):
        check_template(template)

"""Text of a model that thinks between tags, or seems to: tags, parts of them, quotations and code blocks."""

from hypothesis import strategies as st

_FRAGMENTS = st.sampled_from(
    (
        "<thinking>", "</thinking>", "<think>", "</think>", "<thi", "nking>", "</", ">",
        "\n", "\n\n", " ", "`", "```", "\n```\n", "~~~", '"', "'", "a", "bc.", "é", "😀",
        "`</thinking>`", "`</thinking>", "'</thinking>\"", "\n</thinking>\n", "</thinking>\n\n",
    )
)  # fmt: skip
_BEGINNINGS = st.builds(
    lambda blank, tag, length: blank + tag[:length],
    st.sampled_from(("", " ", "\n\n")),
    st.sampled_from(("<thinking>", "<think>", "<reasoning>")),
    st.integers(0, 11),
)

texts = st.lists(_FRAGMENTS, max_size=14).map("".join) | st.text(max_size=30)
thoughts = st.one_of(
    texts,
    texts.map("<thinking>{}".format),
    texts.map("\n<thinking>\n{}\n</thinking>\n\nso".format),
    st.builds("{}{}".format, _BEGINNINGS, st.just("") | texts),
)

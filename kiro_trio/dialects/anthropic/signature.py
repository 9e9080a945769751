"""The signature of thinking that has none of its own.

Thinking that a model wrote between tags comes without a signature, yet Anthropic's types require one and some clients
drop a thinking block that has none. So it gets this constant, and when the block comes back the constant is stripped,
lest it be sent to Kiro as if a model's maker had signed it.
"""

# Base64 of "kiro-trio: this thinking was not signed by its model", so that it has the alphabet of a real one.
UNSIGNED = "a2lyby10cmlvOiB0aGlzIHRoaW5raW5nIHdhcyBub3Qgc2lnbmVkIGJ5IGl0cyBtb2RlbA=="


def stripped(signature: str) -> str:
    """The signature that the thinking came with: "" for our own mark."""
    return "" if signature == UNSIGNED else signature

"""JSON text, put together by hand where a tool's input must stay as it is or a dump of a dict would be too slow.

Everything is ASCII: halves of surrogate pairs survive, and so do readers that take U+2028 for the end of a line.
"""

from collections.abc import Mapping
from json.encoder import JSONEncoder, encode_basestring_ascii

quoted = encode_basestring_ascii
"""A string as a JSON string."""

compact = JSONEncoder(separators=(",", ":")).encode
"""Any JSON value as text without blanks; `json.dumps` would make an encoder for each."""


def json_object(members: Mapping[str, str]) -> str:
    """A JSON object whose members' values are JSON text already."""
    return "{" + ",".join(f"{quoted(name)}:{value}" for name, value in members.items()) + "}"

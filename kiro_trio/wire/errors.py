"""What can be wrong with bytes from the wire, each kind with its evidence.

    WireError
    ├── PreludeError                  decided by the first 12 bytes of a frame
    │   ├── PreludeChecksumMismatch   prelude_crc
    │   ├── TotalLengthInvalid        total_length
    │   ├── HeadersLengthInvalid      headers_length
    │   └── MessageTooLarge           too_large
    ├── MessageChecksumMismatch       message_crc
    ├── HeaderError                   decided by the header block of a whole frame
    │   ├── HeaderTruncated           header_truncated
    │   ├── HeaderNameEmpty           header_name_empty
    │   ├── HeaderTypeUnknown         header_type
    │   ├── HeaderNotUTF8             header_utf8
    │   └── HeaderDuplicate           header_duplicate
    ├── EventTooLarge                 too_large   (server-sent events)
    ├── EventNotUTF8                  event_utf8  (server-sent events)
    └── StreamTruncated               truncated

Every one of them is the end of its stream: TLS has already protected the bytes, so a mismatch means that we are out
of step or that this is no such stream at all, and whoever skips a frame may skip a piece of a tool call.

Nothing but these leaves a decoder, whatever bytes come in. What a *caller* gets wrong is a `TypeError` or a
`ValueError` as everywhere in Python.
"""

from typing import ClassVar

HEAD_SIZE = 512
"""How much of a stream that was never an event stream is kept as evidence: enough for any JSON error body."""


class WireError(Exception):
    """The stream is broken here; there is no way to go on.

    Attributes:
        category: The kind of failure as one word, stable, fit for a metric's label.
        offset: Where the frame (of server-sent events: the line) begins that failed, in bytes from the start of the
            stream.
        frame: How many whole frames (events) came before it.
    """

    category: ClassVar[str] = "wire"
    problem: ClassVar[str] = "the stream is broken"
    """What is wrong, with the names of attributes in braces."""

    offset: int = 0
    frame: int = 0

    def __str__(self) -> str:
        problem = self.problem.format_map(vars(self))
        return f"{problem} (frame {self.frame}, at byte {self.offset} of the stream)"

    @property
    def evidence(self) -> dict[str, int | str]:
        """Category, place and figures for a log line; never a byte of the content."""
        place: dict[str, int | str] = {"category": self.category, "offset": self.offset, "frame": self.frame}
        return place | {name: value for name, value in vars(self).items() if isinstance(value, int | str)}


class PreludeError(WireError):
    """The first 12 bytes of a frame cannot be those of a frame.

    Attributes:
        head: The beginning of the stream as far as it has come, at most `HEAD_SIZE` bytes, if the very first frame
            failed (then it is nearly always a JSON or HTML error body); else empty. It is content: keep it out of logs.
    """

    head: bytes = b""


class PreludeChecksumMismatch(PreludeError):
    """The lengths of a frame are not what its sender wrote, or this is not a frame."""

    category = "prelude_crc"
    problem = "prelude checksum is {actual}, the frame says {expected}"

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(expected, actual)
        self.expected = f"{expected:08x}"
        self.actual = f"{actual:08x}"


class TotalLengthInvalid(PreludeError):
    """A frame claims to be shorter than a frame without headers and payload."""

    category = "total_length"
    problem = "a frame of {total} bytes cannot be: the smallest has 16"

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.total = total


class HeadersLengthInvalid(PreludeError):
    """A frame's headers claim more room than the frame has."""

    category = "headers_length"
    problem = "{headers} bytes of headers do not fit into a frame of {total} bytes"

    def __init__(self, headers: int, total: int) -> None:
        super().__init__(headers, total)
        self.headers = headers
        self.total = total


class MessageTooLarge(PreludeError):
    """A frame is larger than we are willing to hold. The limit is ours, not the protocol's."""

    category = "too_large"
    problem = "a frame of {total} bytes is over our limit of {limit}"

    def __init__(self, total: int, limit: int) -> None:
        super().__init__(total, limit)
        self.total = total
        self.limit = limit


class MessageChecksumMismatch(WireError):
    """Headers or payload of a frame are not what its sender wrote."""

    category = "message_crc"
    problem = "message checksum is {actual}, the frame says {expected}"

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(expected, actual)
        self.expected = f"{expected:08x}"
        self.actual = f"{actual:08x}"


class HeaderError(WireError):
    """The header block of a frame whose checksums are right cannot be read.

    Attributes:
        position: Where the header begins that failed, in bytes from the beginning of the header block.
    """

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class HeaderTruncated(HeaderError):
    """A header reaches beyond the end of its block."""

    category = "header_truncated"
    problem = "the header at byte {position} of its block reaches beyond the block"


class HeaderNameEmpty(HeaderError):
    """A header has no name."""

    category = "header_name_empty"
    problem = "the header at byte {position} of its block has no name"


class HeaderTypeUnknown(HeaderError):
    """A header's value has none of the ten types."""

    category = "header_type"
    problem = "the header at byte {position} of its block has type {code}: there are only 0 to 9"

    def __init__(self, position: int, code: int) -> None:
        super().__init__(position)
        self.code = code


class HeaderNotUTF8(HeaderError):
    """A header's name or text is not UTF-8."""

    category = "header_utf8"
    problem = "the header at byte {position} of its block is not UTF-8"


class HeaderDuplicate(HeaderError):
    """Two headers of a frame have the same name."""

    category = "header_duplicate"
    problem = "the header at byte {position} of its block has the name of an earlier one"


class EventTooLarge(WireError):
    """A server-sent event is larger than we are willing to hold."""

    category = "too_large"
    problem = "a server-sent event is over our limit of {limit} bytes"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class EventNotUTF8(WireError):
    """A line of a server-sent event is not UTF-8."""

    category = "event_utf8"
    problem = "a line of a server-sent event is not UTF-8"


class StreamTruncated(WireError):
    """The stream ended inside a frame or an event.

    Attributes:
        held: How many bytes of what is unfinished had come.
    """

    category = "truncated"
    problem = "the stream ended too early: {held} bytes belong to something unfinished"

    def __init__(self, held: int) -> None:
        super().__init__(held)
        self.held = held

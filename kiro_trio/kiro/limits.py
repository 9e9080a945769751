"""What Kiro cannot be asked: the sizes that it refuses, and our own refusal, which names the limit."""

from dataclasses import dataclass


class PromptRefused(ValueError):
    """A prompt that can never be said to Kiro; nothing was sent.

    `message` is for the client and repeats none of its text. `path` says where in the request the trouble is, as far as
    that is known. `limit` names the limit that would be broken ("" if it is not about size), `size` and `maximum` are
    its numbers. `status` is the HTTP status that fits.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        limit: str = "",
        size: int = 0,
        maximum: int = 0,
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.limit = limit
        self.size = size
        self.maximum = maximum
        self.status = status


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest sizes that are sent; 0 means no limit. Source: docs/wire.md, "Limits".

    `body_bytes` keeps below the 5 MiB at which Kiro calls a body malformed without a reason. `history_entries`,
    `user_chars` and `result_chars` are those of the official client's schema, `image_bytes` (of one image, decoded)
    and `images` (in one request) those that other clients keep to.
    """

    body_bytes: int = 4_718_592
    history_entries: int = 10_000
    user_chars: int = 600_000
    result_chars: int = 800_000
    image_bytes: int = 10_000_000
    images: int = 20


def guard(limit: str, size: int, maximum: int, unit: str, path: str = "") -> None:
    """Refuse `size` if it is over `maximum` (0: no limit).

    The message begins as Anthropic's own does. By these words Claude Code (2.1.330) knows that compacting the
    conversation helps; it knows `Input is too long.` too, but only if nothing follows.

    Raises:
        PromptRefused: it is over.
    """
    if maximum and size > maximum:
        raise PromptRefused(
            f"prompt is too long: the {limit} would have {size} {unit} > {maximum} maximum",
            path=path,
            limit=limit,
            size=size,
            maximum=maximum,
        )

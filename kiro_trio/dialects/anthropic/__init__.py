"""The Anthropic Messages dialect: requests in, server-sent events or one JSON message out.

`request` parses bodies: plain ones at once (`plain`), all others with care (`fields`, `content`). `stream` and `message`
write answers, both driven by the state machine in `blocks`; `errors` and `models` are the shapes of everything else.
`published_requests` and `published_answers` are what clients are told of all that.
"""

from kiro_trio.dialects.anthropic.errors import ERROR_STATUS, InvalidRequest, error_body
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.dialects.anthropic.models import Page, model_item, models_page, parse_page
from kiro_trio.dialects.anthropic.request import MessagesRequest, parse_count_tokens, parse_messages
from kiro_trio.dialects.anthropic.stream import HeldStream, MessageStream

__all__ = [
    "ERROR_STATUS",
    "HeldStream",
    "InvalidRequest",
    "MessageFold",
    "MessageStream",
    "MessagesRequest",
    "Page",
    "error_body",
    "model_item",
    "models_page",
    "parse_count_tokens",
    "parse_messages",
    "parse_page",
]

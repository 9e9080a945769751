"""What sessions are handed, most of it made of the settings: the catalogue, and how prompts and documents are treated."""

from collections.abc import Sequence
from dataclasses import dataclass

from kiro_trio.conversation.prompt import Prompt
from kiro_trio.gateway.documents import DocumentLimits, DocumentReader
from kiro_trio.kiro.catalog import DEFAULT as DEFAULT_CATALOG
from kiro_trio.kiro.catalog import Catalog
from kiro_trio.kiro.hints import NO_HINTS, Hints
from kiro_trio.kiro.limits import Limits
from kiro_trio.kiro.options import EarlierThinking, Prefill, RequestOptions, Unsupported
from kiro_trio.kiro.request import KiroRequest
from kiro_trio.session.run import Patience
from kiro_trio.settings import Settings


@dataclass(frozen=True, slots=True)
class Taken:
    """A prompt as it was taken in, and what is said to Kiro. `tokens` is `estimate` in the light of experience."""

    prompt: Prompt
    request: KiroRequest
    estimate: int
    tokens: int


def catalog_of(settings: Settings, pages: Sequence[bytes] = ()) -> Catalog:
    """The catalogue: what we know, under what Kiro lists, under what the owner says."""
    catalog = DEFAULT_CATALOG
    for page in pages:
        catalog = catalog.enriched(page)
    return catalog.overridden(settings.models, settings.model_aliases, settings.unknown_models)


def documents_of(settings: Settings) -> DocumentReader | None:
    """How documents are read here, None if they are not."""
    if settings.documents != "text":
        return None
    return DocumentReader(
        DocumentLimits(settings.document_bytes, settings.document_pages, settings.document_timeout)
    )


def patience_of(settings: Settings) -> Patience:
    """How long a session waits."""
    return Patience(settings.grace_time, settings.ping_interval, settings.request_deadline)


def options_of(settings: Settings) -> RequestOptions:
    """How prompts are said to Kiro."""
    return RequestOptions(
        native_documents=settings.documents == "native",
        earlier_thinking=EarlierThinking(settings.thinking_history),
        hints=Hints() if settings.size_hints else NO_HINTS,
        prefill=Prefill(settings.prefill),
        unsupported=Unsupported(settings.unsupported_media),
        strict_schemas=settings.strict_schemas,
        limits=Limits(body_bytes=settings.upstream_body_limit),
    )

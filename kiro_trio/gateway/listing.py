"""Listing: asking Kiro now and then which models there are; nothing that goes wrong with it matters to anybody."""

from collections.abc import Callable, Sequence

import trio

from kiro_trio.upstream.model_list import ModelList

# When Kiro is asked, in seconds: soon, but not before the first requests; and after a failure.
LIST_AFTER = 10.0
LIST_EVERY = 3600.0
LIST_AGAIN_AFTER = 300.0


async def follow_models(models: ModelList, adopt: Callable[[Sequence[bytes]], None]) -> None:
    """Hand over the pages of Kiro's list whenever there are some, for ever."""
    await trio.sleep(LIST_AFTER)
    while True:
        pages = await models.ask()
        if pages:
            adopt(pages)
        await trio.sleep(LIST_EVERY if pages else LIST_AGAIN_AFTER)

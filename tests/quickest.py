"""How long something takes on a machine that may be busy with other things."""

from collections.abc import Awaitable, Callable


async def quickest(measure: Callable[[], Awaitable[float]], enough: float, tries: int = 10) -> float:
    """The least of some measurements in seconds; none is made any more once one is below `enough`.

    Whoever else uses the machine makes things slower and never faster: what takes too long every time takes too long.
    """
    least = float("inf")
    for _ in range(tries):
        least = min(least, await measure())
        if least < enough:
            break
    return least

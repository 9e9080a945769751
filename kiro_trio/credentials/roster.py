"""The roster: which accounts there are, how they stand, and who takes the next request. Pure."""

from kiro_trio.credentials.standing import Penalty, Standing

__all__ = ["Penalty", "Standing"]

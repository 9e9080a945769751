"""Numbers as people read them. Pure, and quick to import."""

_THOUSAND, _MILLION = 1_000, 1_000_000


def amount(credits_: float) -> str:
    """A number of credits without needless digits."""
    return f"{credits_:.2f}".rstrip("0").rstrip(".")


def tokens(count: float) -> str:
    """A number of tokens in three digits or so: `950`, `45.2k`, `1.3M`."""
    if count < _THOUSAND:
        return f"{count:.0f}"
    size, unit = (_THOUSAND, "k") if count < _MILLION - _THOUSAND / 2 else (_MILLION, "M")
    short = count / size
    return f"{short:.0f}{unit}" if short >= 99.95 else f"{short:.1f}{unit}"  # noqa: PLR2004 - three digits

"""Shrinking: from a request that is refused to the smallest one that still is.

`ddmin` is the search, `places` what JSON is taken apart by, `parts` what a request is taken apart into, `soundness` what
must not be broken on the way, `shrink` all of it together, and `words` tells what is left. Whoever drives it asks, and
may wait as long as it takes: nothing here does.
"""

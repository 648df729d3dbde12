"""The name somebody probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CUTOFF = 0.6  # difflib's own default: "widnows" finds windows, "foo" finds nothing
_MOST_LISTED = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, or None when none is alike. Case, dashes and underscores don't count."""
    by_key = {_plain(candidate): candidate for candidate in known}
    wanted = _plain(name)
    match = difflib.get_close_matches(wanted, by_key, n=1, cutoff=_CUTOFF)
    if match:
        return by_key[match[0]]
    longer = sorted(key for key in by_key if len(wanted) >= 3 and (wanted in key or (len(key) >= 3 and key in wanted)))
    return by_key[longer[0]] if longer else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """ "did you mean x?", else the known names where they are few, else nothing."""
    names = sorted(known)
    found = nearest(name, names)
    if found is not None:
        return f"did you mean {found}?"
    return f"known here: {', '.join(names)}" if 0 < len(names) <= _MOST_LISTED else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")

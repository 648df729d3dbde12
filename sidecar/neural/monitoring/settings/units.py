"""Durations, sizes and shares as people write them."""

from __future__ import annotations

# Weeks are left out: 30d reads better than 4w2d.
_DURATIONS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_SIZES = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_SMALLEST_PERCENT = 0.01  # 1%; smaller shares read better as numbers


def duration_text(seconds: float) -> str | float:
    """0 → 0s, 3600 → 1h, 0.1 → 100ms, 90 → 1m30s; the number itself where no whole unit fits."""
    milliseconds = round(seconds * 1000, 6)
    if seconds == 0:
        return "0s"
    if milliseconds <= 0 or milliseconds != int(milliseconds):
        return seconds
    if milliseconds % 1000:
        return f"{int(milliseconds)}ms" if milliseconds < 1000 else f"{seconds:g}s"
    rest, parts = int(seconds), list[str]()
    for unit, size in _DURATIONS:
        if rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return "".join(parts)


def size_text(size_bytes: float) -> str | int:
    """5368709120 → 5GiB; the number itself where no binary unit divides it."""
    for unit, size in _SIZES:
        if size_bytes >= size and size_bytes % size == 0:
            return f"{int(size_bytes) // size}{unit}"
    return int(size_bytes)


def fraction_text(fraction: float) -> str | float:
    """0.999 → 99.9%; shares under 1% stay numbers."""
    if fraction in {0, 1} or not _SMALLEST_PERCENT <= fraction < 1:
        return fraction
    return f"{fraction * 100:.12g}%"

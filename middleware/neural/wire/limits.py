"""What a reader accepts. Every size and count that a sender can choose has a ceiling here."""

from __future__ import annotations

from typing import NamedTuple

_MIB = 2**20


class WireError(ValueError):
    """Bytes that are no batch, or a batch that can't be written. ``reason`` is one stable word, fit for a counter's label."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Limits(NamedTuple):
    """Ceilings for one batch. Sizes in bytes."""

    max_bytes: int = 64 * _MIB  # the whole message
    max_events: int = 65_536
    max_body_bytes: int = 32 * _MIB  # one body
    max_strings: int = 262_144  # entries of the string table
    max_headers: int = 1_048_576  # headers of all events together, each direction
    max_fields: int = 524_288  # fields on the top level, repeated ones included


DEFAULT_LIMITS = Limits()

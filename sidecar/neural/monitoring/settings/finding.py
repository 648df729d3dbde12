"""What ``neural monitor config check`` says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """error: it can't work as written. warning: it works, and probably not as meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong although the file is valid. ``where`` is "file:line" or empty; ``key`` is dotted."""

    weight: Weight
    key: str
    message: str
    hint: str = ""
    where: str = ""

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.where, self.weight.value, self.key, self.message) if part)
        return f"{text} ({self.hint})" if self.hint else text

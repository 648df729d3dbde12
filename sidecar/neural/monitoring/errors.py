"""The errors people meet. Each says what is wrong, where, and how to mend it, in one line."""

from __future__ import annotations


class NeuralError(Exception):
    """Base of every error this package raises on purpose. The CLI prints it as one line and exits with ``exit_code``."""

    exit_code = 2


class ConfigError(NeuralError):
    """The configuration is wrong. ``where`` is ``file:line`` and ``key`` the dotted path of the mistake, where known."""

    def __init__(self, message: str, *, where: str = "", key: str = "", hint: str = "") -> None:
        self.message, self.where, self.key, self.hint = message, where, key, hint
        head = ": ".join(part for part in (where, key) if part)
        text = f"{head}: {message}" if head else message
        super().__init__(f"{text} ({hint})" if hint else text)


class StoreError(NeuralError):
    """The state store can't be opened, read or written."""


class ReferenceDataError(NeuralError, ValueError):
    """The reference data is missing or can't be used."""


class DataError(NeuralError, ValueError):
    """Data handed to the Python API has the wrong shape or type."""

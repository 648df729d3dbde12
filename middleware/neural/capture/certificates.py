"""The PEM files of a connection over TLS."""

from __future__ import annotations

from typing import Final, NamedTuple


class TLSFiles(NamedTuple):
    """``ca``: authorities to trust instead of the system's. ``certificate`` and ``key``: what this side shows. Empty: none."""

    ca: str = ""
    certificate: str = ""
    key: str = ""


SYSTEM: Final = TLSFiles()

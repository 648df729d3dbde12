"""Under which name a log's files are in an object store: chosen once for each folder, and kept in it.

A pod that comes back with its disk but another host name goes on under the old one, so that nothing is sent twice. One that comes back with
its name but an empty disk begins to number its files again: a random part keeps it from writing over what it sent before.
"""

from __future__ import annotations

import json
import logging
import secrets
from pathlib import Path

from neural.monitoring.predictions.layout import TEMPORARY, hours

log = logging.getLogger(__name__)
IDENTITY = ".identity"
_RANDOM_BYTES = 4


def name_in_store(root: Path, name: str, host: str) -> str:
    """``name`` (of the settings), else the host's when the folder was new, with the folder's own random part behind it."""
    path = root / IDENTITY
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        host, own = str(found["host"]), str(found["own"])
    except (OSError, ValueError, KeyError, TypeError):
        # A log that is older than this file has sent its files without such a part.
        own = "" if next(hours(root), None) is not None else secrets.token_hex(_RANDOM_BYTES)
        _keep(path, json.dumps({"host": host, "own": own}))
    return f"{name or host}_{own}" if own else name or host


def _keep(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}{TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        log.warning(
            "%s can't be written (%s): after a restart the prediction log may be copied again under another name", path, error
        )

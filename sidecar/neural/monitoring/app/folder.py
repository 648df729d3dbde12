"""The state folder: made, and proved writable, before anything else starts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from neural.monitoring.errors import StoreError

FOLDER_MODE = 0o750
"""Of a folder that is made here: predictions and features are nobody else's business. One that is there keeps its own."""


def prepare_folder(path: Path) -> Path:
    """Make the folder. Raises StoreError in one line when that, or writing into it, is not possible."""
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise StoreError(
            f"can't write to the storage folder {path}: {why} (choose another with store.path or --storage-path)"
        ) from None
    return path

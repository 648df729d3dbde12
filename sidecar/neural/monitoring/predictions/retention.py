"""Keeps the log within its age and its size."""

from __future__ import annotations

from pathlib import Path

from neural.monitoring.predictions.layout import hours


def enforce(root: Path, now: float, *, keep_seconds: float, max_bytes: int, max_files: int = 1_000_000) -> int:
    """Delete hours that ended before ``now − keep_seconds``, then the oldest files until bytes and files fit. Returns files deleted."""
    removed, kept, total = 0, [], 0
    touched: set[Path] = set()
    for hour, folder in hours(root):
        ended = hour.end <= now - keep_seconds
        if ended:
            touched.add(folder)
        for path in sorted(folder.iterdir()):
            if ended:
                removed += _delete(path)
            else:
                size = path.stat().st_size
                kept.append((path, size))
                total += size
    for at, (path, size) in enumerate(kept):
        if total <= max_bytes and len(kept) - at <= max_files:
            break
        removed += _delete(path)
        touched.add(path.parent)
        total -= size
    for folder in touched:
        _delete_empty(folder, root)
    return removed


def _delete(path: Path) -> int:
    try:
        path.unlink()
    except OSError:
        return 0
    return 1


def _delete_empty(folder: Path, root: Path) -> None:
    """The folder, and those above it that hold nothing else; only where something was taken, not the whole log at every roll."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return  # not empty
        folder = folder.parent

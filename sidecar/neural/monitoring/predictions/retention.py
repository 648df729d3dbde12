"""Keeps the log within its age and its size."""

from __future__ import annotations

from pathlib import Path

from neural.monitoring.predictions.layout import hours


def enforce(root: Path, now: float, *, keep_seconds: float, max_bytes: int, max_files: int = 1_000_000) -> int:
    """Delete hours that ended before ``now − keep_seconds``, then the oldest files until bytes and files fit. Returns files deleted."""
    removed, kept, total = 0, [], 0
    for hour, folder in hours(root):
        for path in sorted(folder.iterdir()):
            if hour.end <= now - keep_seconds:
                removed += _delete(path)
            else:
                size = path.stat().st_size
                kept.append((path, size))
                total += size
    for at, (path, size) in enumerate(kept):
        if total <= max_bytes and len(kept) - at <= max_files:
            break
        removed += _delete(path)
        total -= size
    if removed:
        _delete_empty_folders(root)
    return removed


def _delete(path: Path) -> int:
    try:
        path.unlink()
    except OSError:
        return 0
    return 1


def _delete_empty_folders(root: Path) -> None:
    for folder in sorted(root.glob("model=*/**/"), key=lambda path: -len(path.parts)):
        try:
            folder.rmdir()
        except OSError:
            continue  # not empty

"""Little of what a process needs: a small disk, a group of processes whose memory can be bounded."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    """Skips the test where nothing may be mounted."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def memory_group() -> Path | None:
    """An empty one; None where the system has none, or does not let us."""
    root = Path("/sys/fs/cgroup")
    for parent in (root, root / "memory"):
        group = parent / f"neural-test-{os.getpid()}"
        try:
            group.mkdir()
            if (group / "memory.max").exists():
                return group
            group.rmdir()
        except OSError:
            continue
    return None

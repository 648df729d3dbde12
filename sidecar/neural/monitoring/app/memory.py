"""Memory that is not used goes back to the system: a sidecar's share of the pod is small, and must not grow with its past."""

from __future__ import annotations

import ctypes
import gc

import pyarrow as pa

_C = ctypes.CDLL(None)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
ARENAS = 2
"""glibc would make eight a core, each with holes of its own; the engine and the event loop allocate, others hardly."""
MAPPED_BYTES = 4 << 20
"""Blocks from this size are mapped, and unmapped when freed. glibc would raise the limit with every large array, and keep the holes.
The arrays of a gathered batch (2 MiB) stay below: as mapped ones every page of them would be faulted in anew, which doubles what a
binary row costs (measured: 2.4 µs against 1.3)."""
KEPT_BYTES = 8 << 20
"""Free memory at the heap's end that is kept for the next batch."""


def keep_small() -> None:
    """Before the first row. Elsewhere than on glibc it changes Arrow's allocator alone."""
    pa.set_memory_pool(pa.system_memory_pool())  # the others keep what a burst has used
    mallopt = getattr(_C, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
        mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


def settled() -> None:
    """What has been built by now stays: the collector need not look at it again, so that looking at the rest is cheap."""
    gc.freeze()


def give_back() -> None:
    """What a burst or a checkpoint has used goes back now, not at some later time."""
    gc.collect()  # cycles can hold whole batches
    pa.default_memory_pool().release_unused()
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)

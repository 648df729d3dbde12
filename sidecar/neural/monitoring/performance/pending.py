"""The predictions that wait for labels: few large blocks, bounded by count and age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neural.monitoring.performance.block import Block
from neural.monitoring.performance.hashing import hash_ids
from neural.monitoring.performance.rows import Layout, Rows

_YOUNG_ROWS = 1_024  # rows gathered before they are sorted into a block
_MAX_BLOCK_ROWS = 16_384
_BLOCKS_OF_ALL = 16  # eviction is block-wise: at most this share goes at once


class Pending:
    """Blocks are merged while they are small, so that a look-up searches few of them (a log-structured merge tree)."""

    def __init__(self, max_rows: int, key: int) -> None:
        self._max_rows, self.key = max_rows, key
        self._block_rows = max(1, min(_MAX_BLOCK_ROWS, max_rows // _BLOCKS_OF_ALL))
        self._young: dict[Layout, list[Rows]] = {}
        self._young_rows = 0
        self._blocks: dict[Layout, list[Block]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return self._young_rows + sum(len(block) for block in self._all())

    def _all(self) -> list[Block]:
        return [block for blocks in self._blocks.values() for block in blocks]

    @property
    def any_labelled(self) -> bool:
        """Whether any row has its label: none has while it is young."""
        return any(block.labelled for block in self._all())

    def add(self, rows: Rows) -> int:
        """Take rows in; returns how many unlabelled ones had to go for them."""
        self._young.setdefault(rows.layout, []).append(rows)
        self._young_rows += len(rows)
        if self._young_rows >= min(_YOUNG_ROWS, self._block_rows):
            self.settle()
        return self._evict()

    def settle(self) -> None:
        """Sort the young rows into blocks."""
        young, self._young, self._young_rows = self._young, {}, 0
        for layout, parts in young.items():
            self._sequence += 1
            blocks = self._blocks.setdefault(layout, [])
            blocks.append(Block.of(parts, self._sequence, self.key))
            while len(blocks) > 1 and self._should_merge(blocks[-2], blocks[-1]):
                newer, older = blocks.pop(), blocks.pop()
                blocks.append(older.merged(newer))

    def _should_merge(self, older: Block, newer: Block) -> bool:
        return len(older) <= 2 * len(newer) and len(older) + len(newer) <= self._block_rows

    def find(self, ids: Sequence[str]) -> list[tuple[Block, int] | None]:
        """The newest row of each id."""
        self.settle()
        hashes = hash_ids(ids, self.key)
        found: list[tuple[Block, int] | None] = [None] * len(ids)
        for block in sorted(self._all(), key=lambda block: block.sequence):
            rows = block.find(hashes)
            for at in np.flatnonzero(rows >= 0).tolist():
                found[at] = (block, int(rows[at]))
        return found

    def _evict(self) -> int:
        """Drop the oldest blocks until the rest fits; returns the unlabelled rows among them."""
        gone, size = 0, len(self)
        while size > self._max_rows:
            if not self._blocks:
                self.settle()
            oldest = min(self._all(), key=lambda block: block.sequence)
            size -= len(oldest)
            gone += self._drop(oldest)
        return gone

    def expire(self, before: float) -> int:
        """Drop blocks whose newest row is older; returns the unlabelled rows among them."""
        self.settle()
        return sum(self._drop(block) for block in self._all() if block.newest < before)

    def _drop(self, block: Block) -> int:
        blocks = self._blocks[block.layout]
        blocks.pop(next(at for at, item in enumerate(blocks) if item is block))
        if not blocks:
            del self._blocks[block.layout]
        return len(block) - block.labelled

    def to_json(self) -> dict[str, Any]:
        self.settle()
        return {"key": str(self.key), "sequence": self._sequence, "blocks": [block.to_json() for block in self._all()]}

    @classmethod
    def from_json(cls, state: Mapping[str, Any], max_rows: int) -> Pending:
        result = cls(max_rows, int(state["key"]))
        result._sequence = int(state["sequence"])
        for item in state["blocks"]:
            block = Block.from_json(item)
            result._blocks.setdefault(block.layout, []).append(block)
        return result

"""Events as they travel: one column a field. Rows are made only where somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, TypeVar, overload

from neural.wire.event import CaptureEvent

_T = TypeVar("_T")
FIELDS: Final = CaptureEvent._fields
Lazy = Callable[[], Sequence[Any]]


class Same(Sequence[_T]):
    """``count`` times the same value. Most columns of a batch are of this kind."""

    __slots__ = ("_count", "value")

    def __init__(self, value: _T, count: int) -> None:
        self.value, self._count = value, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_T]:
        return repeat(self.value, self._count)

    def count(self, value: Any) -> int:
        return self._count if self.value == value else 0

    @overload
    def __getitem__(self, at: int) -> _T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[_T]: ...
    def __getitem__(self, at: int | slice) -> _T | Sequence[_T]:
        if isinstance(at, slice):
            return Same(self.value, len(range(*at.indices(self._count))))
        if not -self._count <= at < self._count:
            raise IndexError(at)
        return self.value


class EventTable(Sequence[CaptureEvent]):
    """n events. ``column`` gives one field of all of them; an index, or iterating, makes events.

    A column is a sequence, or a function that makes it when it is first asked for: what is only counted and stored is not unpacked.
    """

    __slots__ = ("_columns", "_count")

    def __init__(self, count: int, columns: dict[str, Sequence[Any] | Lazy]) -> None:
        self._count, self._columns = count, columns

    @classmethod
    def of(cls, events: Sequence[CaptureEvent]) -> EventTable:
        """The same events as columns."""
        if isinstance(events, EventTable):
            return events
        columns = zip(*events, strict=True) if events else repeat((), len(FIELDS))
        return cls(len(events), {name: same_or_all(column) for name, column in zip(FIELDS, columns, strict=True)})

    def column(self, name: str) -> Sequence[Any]:
        """The field ``name`` of every event, in order; ``Same`` where it is known to be one value."""
        found = self._columns[name]
        if callable(found):
            found = self._columns[name] = found()
        return found

    def take(self, places: Sequence[int]) -> EventTable:
        """The events at these places. All of them, in their order, are the table itself."""
        if len(places) == self._count and list(places) == list(range(self._count)):
            return self
        return EventTable(len(places), {name: _taken(self, name, places) for name in FIELDS})

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[CaptureEvent]:
        return map(CaptureEvent._make, zip(*map(self.column, FIELDS), strict=True))

    @overload
    def __getitem__(self, at: int) -> CaptureEvent: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[CaptureEvent]: ...
    def __getitem__(self, at: int | slice) -> CaptureEvent | Sequence[CaptureEvent]:
        if isinstance(at, slice):
            return list(self)[at]
        return CaptureEvent._make([self.column(name)[at] for name in FIELDS])

    def __eq__(self, other: object) -> bool:
        """Equal to any sequence of the same events."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list's

    def __repr__(self) -> str:
        return repr(list(self))


def same_or_all(column: Sequence[_T]) -> Sequence[_T]:
    """``Same`` when every value is the first one."""
    return Same(column[0], len(column)) if column and column.count(column[0]) == len(column) else column


def _taken(table: EventTable, name: str, places: Sequence[int]) -> Lazy:
    def take() -> Sequence[Any]:
        column = table.column(name)
        return Same(column.value, len(places)) if isinstance(column, Same) else [column[place] for place in places]

    return take

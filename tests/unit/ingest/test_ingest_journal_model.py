"""The journal against a list in memory: any order of appending, freeing, reopening and tearing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from neural.monitoring.ingest import EntryKind, Journal

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(max_size=60)),
        st.tuples(st.just("free"), st.integers(0, 30)),
        st.tuples(st.just("reopen"), st.just(0)),
        st.tuples(st.just("tear"), st.integers(1, 40)),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(operations=OPERATIONS, segment=st.integers(30, 200))
def test_what_is_behind_a_position_is_always_there(operations, segment):
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, segment_bytes=segment)
        model: list[tuple[int, bytes]] = []
        freed = 0
        for what, value in operations:
            if what == "append":
                position = journal.append(EntryKind.BATCH, value)
                assert position > max(freed, model[-1][0] if model else 0)
                model.append((position, value))
            elif what == "free" and model:
                freed = max(freed, model[min(value, len(model) - 1)][0])
                journal.truncate_before(freed)
            elif what == "reopen":
                journal.close()
                journal = Journal(folder, segment_bytes=segment)
            elif what == "tear":
                journal.close()
                last = max(Path(folder).glob("*.journal"))
                kept = max(0, last.stat().st_size - value)
                os.truncate(last, kept)
                base = int(last.stem)
                model = [(position, payload) for position, payload in model if position <= base + kept]
                journal = Journal(folder, segment_bytes=segment)
            behind = [(entry.position, entry.payload) for entry in journal.read_from(freed)]
            assert behind == [one for one in model if one[0] > freed]
        journal.close()

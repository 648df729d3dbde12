"""Reading bodies without parsing them all: only ever the same answer, or none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural.monitoring.decode import Decoding
from neural.monitoring.decode.protocols.v2 import V2
from neural.monitoring.decode.protocols.v2_skeleton import Skeletons
from neural.wire import CaptureBatch, CaptureEvent

PATH = "/v2/models/m/infer"


def body(x, c, identity=None, dumps=json.dumps) -> bytes:
    inputs = [
        {"name": "x", "shape": [1], "datatype": "FP64", "data": [x]},
        {"name": "c", "shape": [1, 1], "datatype": "BYTES", "data": [c]},
    ]
    return dumps({"inputs": inputs} | ({} if identity is None else {"id": identity})).encode()


ANSWER = b'{"outputs":[{"name":"probability","datatype":"FP64","shape":[1],"data":[0.25]}]}'


def batch(bodies, answer=ANSWER) -> CaptureBatch:
    return CaptureBatch(
        "s",
        1,
        [
            CaptureEvent(f"p{i}", 1, 1, status=200, path=PATH, request_body=one, response_body=answer)
            for i, one in enumerate(bodies)
        ],
    )


def learnt(first=None) -> Decoding:
    """A decoding that has learnt the skeleton of the first body."""
    decoding = Decoding()
    good = first or body(1.5, "a")
    for _ in range(3):
        decoding.decode(batch([good, good]))
    assert v2_of(decoding)._skeletons.get(PATH) is not None
    return decoding


def v2_of(decoding) -> V2:
    return decoding._detector.by_path(PATH)


def table(decoded):
    found = {failure.prediction_id: failure.reason for failure in decoded.failures}
    for rows in decoded.rows:
        for place, row_id in enumerate(rows.row_ids):
            found[row_id] = [
                (name, repr(column.values[place]), bool(column.missing[place])) for name, column in rows.features.items()
            ]
    return found


def test_what_is_skimmed_is_what_is_parsed(monkeypatch):
    bodies = [body(2.5, "b"), body(-1e-3, ""), body(None, None), body(7, "x:y, z]"), body(1e300, "ü")]
    decoding = learnt()
    skimmed = table(decoding.decode(batch(bodies)))
    monkeypatch.setattr(V2, "skim", lambda *_: None)
    monkeypatch.setattr(V2, "bulk", lambda *_: None)
    assert skimmed == table(Decoding().decode(batch(bodies)))
    assert len(skimmed) == 5


def test_most_traffic_is_never_parsed_whole():
    decoding = learnt()
    bodies = [body(i / 2, "abc"[i % 3]) for i in range(200)]
    decoding._reader.read_many = lambda bodies: pytest.fail("parsed") if bodies else []
    assert len(table(decoding.decode(batch(bodies)))) == 200


def test_ids_may_differ_from_body_to_body():
    decoding = learnt(body(1.5, "a", "first"))
    found = table(decoding.decode(batch([body(1.5, "a", "one"), body(2.5, "b", "two")])))
    assert set(found) == {"one", "two"}


@pytest.mark.parametrize("pretty", [None, 1])
def test_white_space_is_part_of_the_skeleton(pretty):
    dumps = (
        (lambda document: json.dumps(document, indent=pretty))
        if pretty
        else (lambda document: json.dumps(document, separators=(",", ":")))
    )
    decoding = learnt(body(1.5, "a", dumps=dumps))
    assert len(table(decoding.decode(batch([body(float(i), "a", dumps=dumps) for i in range(20)])))) == 20


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: good.replace(b"[2.5]", b"[2.5, 3]"),
        lambda good: good.replace(b"[2.5]", b"[]"),
        lambda good: good.replace(b"[2.5]", b"[1-2]"),
        lambda good: good.replace(b"[2.5]", b"[[2.5]]"),
        lambda good: good.replace(b"[2.5]", b'[{"a":1}]'),
        lambda good: good.replace(b"[2.5]", b"[NaN]"),
        lambda good: good.replace(b"[2.5]", b"[1e999]"),
        lambda good: good.replace(b"[2.5]", b'["a", "b"]'),
        lambda good: good.replace(b'"FP64"', b'"FP32"'),
        lambda good: good + b" trailing",
        lambda good: good[:-1],
        lambda good: good.replace(b'"x"', b'"y"'),
        lambda good: good.replace(b'["b"]', b'["\\u0062"]'),
    ],
)
def test_a_body_of_another_kind_is_read_the_ordinary_way_and_so_are_its_neighbours(spoil):
    good = body(2.5, "b")
    bodies = [good, spoil(good), good]
    assert table(learnt().decode(batch(bodies))) == table(Decoding().decode(batch(bodies)))


TEXT = st.text(alphabet=st.sampled_from(list('ab"\\,:[]{} \n1é')), max_size=6)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.integers(-(2**65), 2**65), TEXT | st.none()),
        min_size=2,
        max_size=6,
    )
)
def test_any_values_are_read_alike(rows):
    bodies = [body(x, c) for x, c in rows]
    whole = Decoding()
    whole.decode(batch([body(1.5, "a")]))
    one_by_one = {}
    for place, one in enumerate(bodies):
        (found,) = table(whole.decode(batch([one]))).values()
        one_by_one[f"p{place}"] = found
    assert table(learnt().decode(batch(bodies))) == one_by_one


def test_a_skeleton_that_no_longer_fits_is_given_up_and_learnt_anew_later():
    kept = Skeletons()
    assert kept.wants("/a")
    kept.keep("/a", None, None)  # type: ignore[arg-type]
    assert not kept.wants("/a")
    for _ in range(Skeletons._MISSES):
        assert kept.get("/a") is not None
        kept.miss("/a")
    assert kept.get("/a") is None
    asked = 0
    while not kept.wants("/a"):
        asked += 1
    assert asked == Skeletons._PATIENCE


def test_paths_without_end_do_not_fill_the_memory():
    kept = Skeletons()
    for i in range(2000):
        if kept.wants(f"/{i}"):
            kept.keep(f"/{i}", None, None)  # type: ignore[arg-type]
    assert len(kept._known) <= Skeletons._MAX_KEPT
    assert len(kept._waits) <= Skeletons._MAX_WAITING

"""JSON bodies to documents: many in one parser call, each as strict as alone.

Parsing 512 small bodies one by one costs half as much again as parsing one array of them. Bodies are joined with a secret number between
them; only when every second element of the parsed array is that number did each body hold exactly one document. Otherwise, or
when any body is wrong, they are parsed one by one, and each gets its own verdict.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import orjson

from neural.monitoring.decode.parsed import Reason, Undecodable

_MARK_BITS: Final = 62  # fits orjson's 64-bit integers
_MAX_JOINED_BYTES: Final = 8 * 2**20  # beyond that a joined copy costs more than it saves
_VALUES: Final = dict[str, Any].values
_NAN_WORDS: Final = (b"NaN", b"Infinity")


class DocumentReader:
    """Parses JSON bodies in bulk. ``duplicate_keys`` and ``nan_literals`` say whether those are accepted.

    Nesting is bounded by orjson (1,024 levels, ``too_deep``); what walks a document further bounds its own steps.
    """

    def __init__(self, *, duplicate_keys: bool = False, nan_literals: bool = False) -> None:
        self._accept_duplicates = duplicate_keys
        self._accept_nan = nan_literals
        self._mark = secrets.randbits(_MARK_BITS) | 1
        self._separator = b",%d," % self._mark

    def read_many(self, bodies: Sequence[bytes]) -> list[Any]:
        """One document, or one ``Undecodable``, for each body, in order."""
        joined = self._read_joined(bodies) if len(bodies) > 1 and sum(map(len, bodies)) <= _MAX_JOINED_BYTES else None
        return joined if joined is not None else [self._read_or_problem(body) for body in bodies]

    def _read_joined(self, bodies: Sequence[bytes]) -> list[Any] | None:
        text = b"".join((b"[", self._separator.join(bodies), b"]"))
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        documents: list[Any] = parsed[::2]
        if len(parsed) != 2 * len(bodies) - 1 or parsed[1::2].count(self._mark) != len(bodies) - 1:
            return None
        if not self._accept_duplicates:
            colons = text.count(b":")
            if colons != count_all_keys(documents) and colons != _count_all_keys(documents):
                self._refuse_duplicates(bodies, documents)
        return documents

    def _refuse_duplicates(self, bodies: Sequence[bytes], documents: list[Any]) -> None:
        for place, (body, document) in enumerate(zip(bodies, documents, strict=True)):
            if says_a_key_twice(body, document):
                documents[place] = Undecodable(Reason.DUPLICATE_KEYS)

    def _read_or_problem(self, body: bytes) -> Any:
        try:
            return self.read(body)
        except Undecodable as problem:
            return problem

    def read(self, body: bytes) -> Any:
        """The document of one body. Raises Undecodable."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            document = self._read_leniently(body, error)
        if not self._accept_duplicates and says_a_key_twice(body, document):
            raise Undecodable(Reason.DUPLICATE_KEYS)
        return document

    def _read_leniently(self, body: bytes, error: orjson.JSONDecodeError) -> Any:
        reason = _why(body, error)
        if reason is Reason.NAN_LITERAL and self._accept_nan:
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                reason = Reason.BAD_JSON
        raise Undecodable(reason, f"at byte {error.pos}") from None


def _why(body: bytes, error: orjson.JSONDecodeError) -> Reason:
    """orjson's message, as a reason."""
    if "depth" in error.msg or "recursion" in error.msg:
        return Reason.TOO_DEEP
    if "infinity when parsed" in error.msg:
        return Reason.NUMBER_RANGE
    around = body[max(0, error.pos - 2) : error.pos + 10]  # orjson points at, or one before, the offending byte
    return Reason.NAN_LITERAL if any(word in around for word in _NAN_WORDS) else Reason.BAD_JSON


def count_keys(document: Any) -> int:
    """Keys of a document's first two levels, for a quick comparison with the number of colons in its text.

    Every key has a colon, so equality proves that no key was said twice. Inequality (deeper nesting, colons in strings) proves nothing.
    """
    if type(document) is not dict:
        if type(document) is list and document and type(document[0]) is dict:
            return _lengths(document)
        return 0
    total = len(document)
    for value in document.values():
        if type(value) is list:
            if value and type(value[0]) is dict:
                total += _lengths(value)
        elif type(value) is dict:
            total += len(value)
    return total


def count_all_keys(documents: Sequence[Any]) -> int:
    """``count_keys`` of many documents together, or less."""
    objects = documents if set(map(type, documents)) == {dict} else [one for one in documents if type(one) is dict]
    keys = sum(map(len, objects))
    values = list(chain.from_iterable(map(_VALUES, objects)))
    types = set(map(type, values))
    if types == {list}:  # rows under one name, as most requests have them: no need to look at each
        return keys + _lengths(list(chain.from_iterable(values)))
    inner = [value for value in values if type(value) is dict] if dict in types else []
    if list in types:
        for items in [value for value in values if type(value) is list and value and type(value[0]) is dict]:
            inner += items
    return keys + _lengths(inner)


def _lengths(items: list[Any]) -> int:
    """Keys of objects; 0 when there is something else among them."""
    return sum(map(len, items)) if set(map(type, items)) == {dict} else 0


def says_a_key_twice(body: bytes, document: Any) -> bool:
    """True when an object of the body has the same key twice. The slow, exact reading happens only where the quick ones can't tell."""
    colons = body.count(b":")
    if colons == 0 or colons == count_keys(document):
        return False
    try:
        if _count_all_keys(document) in (colons, body.count(b'":')):
            return False
        json.loads(body, object_pairs_hook=_refuse_twice)
    except _KeyTwice:
        return True
    except (ValueError, RecursionError):
        return False  # orjson has read it: what the slow reader can't stand is no duplicate
    return False


class _KeyTwice(Exception):
    """A key was said twice."""


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len(dict(pairs)):
        raise _KeyTwice


def _count_all_keys(document: Any) -> int:
    total, waiting = 0, [document]
    while waiting:
        node = waiting.pop()
        if type(node) is dict:
            total += len(node)
            waiting.extend(node.values())
        elif type(node) is list:
            waiting.extend(item for item in node if type(item) is dict or type(item) is list)
    return total

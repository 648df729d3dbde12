"""Pydantic's findings in the words of the file: where, which key, what is wrong, what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from neural.monitoring.errors import ConfigError
from neural.monitoring.settings.document import Document, KeyPath, dotted
from neural.monitoring.settings.nearest import nearest, suggestion
from neural.monitoring.settings.resolve import Resolved
from neural.monitoring.settings.shape import Shape

_MOST_SHOWN = 60  # characters of a wrong value

_WANTED: Mapping[str, str] = {
    "int_parsing": "a whole number", "int_type": "a whole number", "int_from_float": "a whole number",
    "float_parsing": "a number", "float_type": "a number", "bool_parsing": "true or false", "bool_type": "true or false",
    "string_type": "text", "dict_type": "a mapping of keys to values", "model_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values", "model_attributes_type": "a mapping of keys to values",
    "list_type": "a list", "tuple_type": "a list", "set_type": "a list", "frozen_set_type": "a list",
    "finite_number": "a finite number", "path_type": "a path",
}  # fmt: skip


class ConfigErrors(ConfigError):
    """Every mistake of one file, in the order of its lines. ``where``, ``key`` and ``hint`` are those of the first."""

    def __init__(self, problems: Sequence[ConfigError]) -> None:
        first = problems[0]
        super().__init__(first.message, where=first.where, key=first.key, hint=first.hint)
        self.problems = tuple(problems)
        self.args = ("\n".join(str(problem) for problem in problems),)


def problems_of(error: ValidationError, document: Document, resolved: Resolved, shape: Shape) -> list[ConfigError]:
    """One ConfigError a place in the file."""
    by_place: dict[KeyPath, tuple[int, ConfigError]] = {}
    for detail in error.errors(include_url=False, include_context=True):
        path = _place(detail["loc"], resolved.data, detail["type"])
        if any(path[: len(broken)] == broken or broken[: len(path)] == path for broken in resolved.broken):
            continue
        message, hint = _words(detail, path, resolved, shape)
        problem = ConfigError(message, where=document.where(path), key=dotted(path), hint=hint)
        rank = _rank(detail["type"])
        if path not in by_place or rank < by_place[path][0]:
            by_place[path] = (rank, problem)
    return [problem for _, problem in _most_specific(by_place)]


def _rank(kind: str) -> int:
    """Of the findings of a union's members at one place, the one that says most is kept."""
    if kind == "value_error":
        return 0
    return 2 if kind in _WANTED else 1


def _most_specific(by_place: Mapping[KeyPath, tuple[int, ConfigError]]) -> Iterable[tuple[int, ConfigError]]:
    """Leave out "should be a list" about a place where a deeper place says what is wrong."""
    for path, entry in by_place.items():
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other in by_place)
        if not (deeper and entry[0] == 2):
            yield entry


def _place(location: Sequence[str | int], data: Any, kind: str) -> KeyPath:
    """Pydantic's location without the names of union members and validators, which don't stand in the file."""
    path: list[str | int] = []
    here = data
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if (isinstance(here, Mapping) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        ):
            path.append(part)
            here = here[part]  # type: ignore[index]  # checked on the line above
        elif last and kind == "missing":
            path.append(part)
    return tuple(path)


def _value_at(path: KeyPath, data: Any) -> Any:
    for part in path:
        data = data[part]
    return data


def _words(detail: Any, path: KeyPath, resolved: Resolved, shape: Shape) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, shape)
    if kind == "missing":
        return "is required", ""
    shown = _shown(detail.get("input"), path, resolved, shape)
    if kind == "value_error":
        text = str(context.get("error", detail["msg"]))
        secret = _is_hidden(path, resolved, shape)
        return ("is not valid" if secret else text), ""
    if kind in {"too_short", "too_long"}:
        return _not_that_many(kind, context), ""
    if kind == "union_tag_invalid":
        said = {"input": context["tag"], "ctx": {"expected": context["expected_tags"]}}
        message, hint = _not_one_of(said, f"the type {context['tag']!r} ")
        return message, hint or "say what it is, such as type: webhook"
    if kind in {"enum", "literal_error"}:
        return _not_one_of(detail, shown)
    if kind in _WANTED:
        return f"{shown}should be {_WANTED[kind]}" if not shown else f"{shown}is not {_WANTED[kind]}", ""
    message = str(detail["msg"]).removeprefix("Input ").removeprefix("Value error, ")
    return f"{shown}{message[:1].lower()}{message[1:]}", ""


def _not_one_of(detail: Any, shown: str) -> tuple[str, str]:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    names = [name.strip().strip("'") for name in expected.replace(" or ", ", ").split(",") if name.strip()]
    near = nearest(str(detail.get("input")), names)
    return f"{shown}is not one of {', '.join(names)}", f"did you mean {near}?" if near else ""


def _not_that_many(kind: str, context: Mapping[str, Any]) -> str:
    bound = context.get("min_length" if kind == "too_short" else "max_length")
    return f"needs at {'least' if kind == 'too_short' else 'most'} {bound} {'entry' if bound == 1 else 'entries'}"


def _unknown_key(path: KeyPath, shape: Shape) -> tuple[str, str]:
    name = str(path[-1])
    known = shape.keys(path[:-1])
    near = nearest(name, known)
    places = shape.places(name)
    if places or near is None:
        places = places or shape.places(nearest(name, shape.names()) or "")
        if places:
            return "is not known here", f"it belongs in {' or '.join(places[:3])}"
    return "is not a known key", suggestion(name, known)


def _is_hidden(path: KeyPath, resolved: Resolved, shape: Shape) -> bool:
    return shape.holds_secrets(path) or any(
        hidden[: len(path)] == path or path[: len(hidden)] == hidden for hidden in resolved.hidden
    )


def _shown(value: Any, path: KeyPath, resolved: Resolved, shape: Shape) -> str:
    """The wrong value, quoted and cut; nothing where it is a secret, came from the environment, or is not one word."""
    if isinstance(value, dict | list | tuple) or _is_hidden(path, resolved, shape):
        return ""
    text = "nothing" if value is None else repr(value)
    return f"{text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + '…'} "

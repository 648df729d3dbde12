"""CEL expressions over signals, compiled once.

``drift.feature_score["age"] > 0.3`` reads one signal. Each such reference becomes one flat variable, so that an evaluation hands CEL only the numbers
it asks for and no nested maps. Integer literals become doubles where no function is called, because CEL refuses ``error_rate * 100``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import cel

from neural.monitoring.errors import ConfigError

MOST_CHARACTERS = 2000
ALIASES = {
    "drift_score": "drift.score",
    "quality_score": "quality.score",
    "accuracy": "performance.accuracy",
    "precision": "performance.precision",
    "recall": "performance.recall",
    "f1": "performance.f1",
    "latency_p50": "latency.p50",
    "latency_p95": "latency.p95",
    "latency_p99": "latency.p99",
    "missing_rate": "quality.missing_rate",
    "outlier_rate": "quality.outlier_rate",
}
"""The seed's flat names. Latencies are in seconds, as the signals are."""

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|0[xX][0-9a-fA-F]+[uU]?|\d+[uU]|(?P<integer>\d+))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>\|\||&&|[<>=!]=|.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = frozenset({"true", "false", "null", "in"})
_MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_PLAIN_STRING = re.compile(r"""["']([^"'\\]*)["']""")


@dataclass(frozen=True, slots=True)
class Reference:
    """A signal an expression reads: its name, and the label values given in brackets, in label order."""

    name: str
    path: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The flat variable that stands for it; the same in every expression."""
        return "s_" + hashlib.blake2b("\0".join((self.name, *self.path)).encode(), digest_size=8).hexdigest()

    def __str__(self) -> str:
        return self.name + "".join(f'["{part}"]' for part in self.path)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. ``asked`` are references only tested by ``has()``: their variables are ``h_…`` and always known."""

    source: str
    references: tuple[Reference, ...]
    asked: tuple[Reference, ...]
    run: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def compile_expression(source: str) -> Expression:
    """Parse and compile. Raises ConfigError with CEL's own message."""
    if len(source) > MOST_CHARACTERS:
        raise ConfigError(f"the expression is longer than {MOST_CHARACTERS} characters")
    rewriter = _Rewriter(_tokens(source))
    try:
        program = cel.compile(rewriter.rewrite())
    except ValueError as error:
        first = next(line for line in _own_words(source, error).splitlines() if line)
        raise ConfigError(f"{source!r} is not a CEL expression: {first}", hint="for example error_rate > 0.05") from None
    return Expression(source, tuple(rewriter.references), tuple(rewriter.asked), cast("Callable[[Any], Any]", program.execute))


def _own_words(source: str, error: ValueError) -> str:
    """The same mistake told of the expression as it was written."""
    try:
        cel.compile(source)
    except ValueError as own:
        return str(own)
    return str(error)


def context_of(variables: Mapping[str, Any]) -> Any:
    """A CEL context: built once an evaluation, used by every expression."""
    return cel.Context(variables=dict(variables))


def asked_variable(reference: Reference) -> str:
    """The variable that says whether a reference has a value."""
    return "h" + reference.variable[1:]


def _tokens(source: str) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(source):
        kind = "integer" if match["integer"] else str(match.lastgroup)
        if kind != "space":
            found.append(_Token(kind, match[0]))
    return found


class _Rewriter:
    """Replaces references by variables, token by token."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._bound = {self._tokens[i + 2].text for i in range(len(tokens) - 2) if self._is_macro(i)}
        self._calls = any(
            tokens[i].kind == "name" and self._text(i + 1) == "(" for i in range(len(tokens)) if tokens[i].text != "has"
        )
        self.references: list[Reference] = []
        self.asked: list[Reference] = []

    def rewrite(self) -> str:
        parts: list[str] = []
        while self._at < len(self._tokens):
            parts.append(self._next())
        return " ".join(parts)

    def _next(self) -> str:
        token = self._tokens[self._at]
        if token.kind == "name" and token.text not in _WORDS and self._text(self._at - 1) != ".":
            if token.text == "has" and self._text(self._at + 1) == "(":
                return self._has()
            if self._text(self._at + 1) != "(" and token.text not in self._bound:
                return self._note(self._reference(), self.references).variable
        self._at += 1
        in_brackets = self._text(self._at - 2) == "["
        return token.text + ".0" if token.kind == "integer" and not self._calls and not in_brackets else token.text

    def _has(self) -> str:
        self._at += 2
        reference = self._note(self._reference(), self.asked)
        self._at += 1  # the closing parenthesis
        return asked_variable(reference)

    def _reference(self) -> Reference:
        names = [self._tokens[self._at].text]
        self._at += 1
        while self._text(self._at) == "." and self._kind(self._at + 1) == "name" and self._text(self._at + 2) != "(":
            names.append(self._tokens[self._at + 1].text)
            self._at += 2
        path = names[2:]
        while self._text(self._at) == "[" and self._kind(self._at + 1) == "string" and self._text(self._at + 2) == "]":
            literal = _PLAIN_STRING.fullmatch(self._text(self._at + 1))
            if not literal:
                break
            path.append(literal[1])
            self._at += 3
        name = ".".join(names[:2])
        return Reference(ALIASES.get(name, name), tuple(path))

    def _note(self, reference: Reference, into: list[Reference]) -> Reference:
        if reference not in into:
            into.append(reference)
        return reference

    def _is_macro(self, i: int) -> bool:
        return self._tokens[i].text in _MACROS and self._tokens[i + 1].text == "(" and self._tokens[i + 2].kind == "name"

    def _text(self, i: int) -> str:
        return self._tokens[i].text if 0 <= i < len(self._tokens) else ""

    def _kind(self, i: int) -> str:
        return self._tokens[i].kind if 0 <= i < len(self._tokens) else ""

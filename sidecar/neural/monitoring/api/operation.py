"""One operation of the API: what it takes, what it does, what it gives. The OpenAPI document is written from these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.api.parameters import Parameter


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request: ``query`` with defaults filled in, ``path`` parameters, and the JSON ``body`` (None without one)."""

    query: Mapping[str, Any]
    path: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """JSON to answer with, or the text of a document of the operation's ``media``. ``volatile`` keys change with every look (the time)
    and are left out of the ETag. ``made_from``: the answers that a document was written from; its ETag stands for them."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    volatile: tuple[str, ...] = ("timestamp", "age_seconds", "uptime_seconds")
    made_from: Sequence[Mapping[str, Any]] = ()


Handler = Callable[[Call], Reply]
"""Runs on a worker thread; may raise Problem, StoreError."""


@dataclass(frozen=True, slots=True)
class Operation:
    """``body_schema`` None: takes no body. ``response`` is a JSON Schema. ``mutates`` and ``private``
    (people's data) ask for the token. ``media``: the reply's type."""

    name: str
    summary: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    response: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    body_schema: Mapping[str, Any] | None = None
    body_example: Any = None
    max_body_bytes: int = 64 * 1024
    mutates: bool = False
    private: bool = False
    media: str = "application/json"
    success: int = 200
    problems: tuple[int, ...] = ()
    tag: str = "monitoring"

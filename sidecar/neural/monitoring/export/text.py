"""Families as text: the Prometheus format 0.0.4 and OpenMetrics 1.0.0.

Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from neural.monitoring.export.family import Exemplar, Family, Labels, number
from neural.monitoring.export.protobuf import PROTOBUF

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_MAX_EXEMPLAR_CHARACTERS = 128  # OpenMetrics' ceiling on an exemplar's label names and values together


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics to plain text."""
    return preferred(accept) == OPENMETRICS


def preferred(accept: str, *, protobuf: bool = False) -> str:
    """The content type to answer an Accept header with: plain text, OpenMetrics, or (where there is ``protobuf``) the protobuf one.

    Unknown and missing mean plain text; between equals the richer form wins.
    """
    weight: dict[str, float] = {PROTOBUF: 0.0, OPENMETRICS: 0.0, TEXT: 0.0}
    for part in accept.split(",")[:32]:
        kind, *parameters = (word.strip() for word in part.split(";"))
        form = _form(kind, parameters)
        if form:
            weight[form] = max(weight[form], _quality(parameters))
    if not protobuf:
        weight[PROTOBUF] = 0.0
    best = max(weight, key=lambda form: weight[form])  # the first of equals
    return best if weight[best] > 0 else TEXT


def _form(kind: str, parameters: Iterable[str]) -> str:
    if kind == "application/openmetrics-text":
        return OPENMETRICS
    if kind in {"text/plain", "text/*"}:
        return TEXT
    is_delimited = any(parameter.replace(" ", "") == "encoding=delimited" for parameter in parameters)
    return PROTOBUF if kind == "application/vnd.google.protobuf" and is_delimited else ""


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def render(families: Iterable[Family], *, openmetrics: bool = False) -> str:
    """The page, without OpenMetrics' closing line (see ``close``), so that other pages can be joined to it."""
    lines: list[str] = []
    label_text = _label_writer()
    for family in families:
        if family.samples:
            _write_family(family, lines, label_text, openmetrics=openmetrics)
    return "\n".join(lines) + "\n" if lines else ""


def close(text: str) -> str:
    """An OpenMetrics page with its last line."""
    return f"{text}# EOF\n"


def _write_family(family: Family, lines: list[str], label_text: Callable[[Labels], str], *, openmetrics: bool) -> None:
    spec = family.spec
    base = spec.name
    kind = spec.kind
    if openmetrics:
        base = base.removesuffix("_total") if kind == "counter" else base.removesuffix("_info") if kind == "info" else base
    elif kind == "info":
        kind = "gauge"
    lines.append(f"# HELP {base} {_escaped_help(spec.help, openmetrics=openmetrics)}")
    lines.append(f"# TYPE {base} {kind}")
    for sample in family.samples:
        line = f"{spec.name}{sample.suffix}{label_text(sample.labels)} {number(sample.value)}"
        if openmetrics and sample.exemplar is not None:
            line += _exemplar(sample.exemplar)
        lines.append(line)


def _exemplar(exemplar: Exemplar) -> str:
    label = f'trace_id="{exemplar.trace_id}"'
    if len(label) > _MAX_EXEMPLAR_CHARACTERS:
        return ""
    return f" # {{{label}}} {number(exemplar.value)} {exemplar.time:.3f}"


def _label_writer() -> Callable[[Labels], str]:
    """Labels as text, each pair escaped once a page: feature names come back in every family."""
    pairs: dict[tuple[str, str], str] = {}

    def one(pair: tuple[str, str]) -> str:
        text = pairs.get(pair)
        if text is None:
            text = pairs[pair] = f'{pair[0]}="{_escaped(pair[1])}"'
        return text

    def write(labels: Labels) -> str:
        return f"{{{','.join(map(one, labels))}}}" if labels else ""

    return write


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escaped_help(text: str, *, openmetrics: bool) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if openmetrics else text

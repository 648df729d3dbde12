"""Signals arranged for lookup: by scope (model, version), name and label values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from neural.monitoring.alerts.expression import ALIASES, Reference, asked_variable, context_of
from neural.monitoring.signal import Signal, SignalSpec

Scope = tuple[str, str]
"""(model, version). A signal over all versions has version ""; one of the sidecar itself has neither."""
Path = tuple[str, ...]
_VERSIONLESS = "slo."
"""Signals of this family are the model's, not a version's: an error budget outlives a release, and two versions are one alert."""
_SIDECARS = ("capture.", "sidecar.")
"""Signals of these families are the sidecar's own: what they say holds for every model."""

_ORDER: dict[str, tuple[str, ...]] = {"slo.burn_rate": ("slo", "window"), "slo.burn_alert": ("slo", "severity")}


class LabelOrder:
    """The order in which a signal's labels stand in brackets: its specification's, else as the signal has them."""

    def __init__(self, specs: Iterable[SignalSpec] = ()) -> None:
        self._order = {**_ORDER, **{spec.name: spec.labels for spec in specs}}

    def path(self, signal: Signal) -> Path:
        """The label values beyond model and version."""
        labels = signal.labels
        if len(labels) <= 2:
            return ()
        order = self._order.get(signal.name)
        if order:
            return tuple([labels[name] for name in order if name in labels])
        return tuple([value for name, value in labels.items() if name not in ("model", "version")])


def scope_of(signal: Signal) -> Scope:
    """Where a signal belongs."""
    if signal.name.startswith(_SIDECARS):
        return "", ""
    version = "" if signal.name.startswith(_VERSIONLESS) else signal.labels.get("version", "")
    return signal.labels.get("model", ""), version


class SignalIndex:
    """One evaluation's signals. Only the names in ``wanted`` are arranged (None: all)."""

    def __init__(self, signals: Sequence[Signal], order: LabelOrder, wanted: Collection[str] | None = None) -> None:
        self.scopes: dict[Scope, dict[str, dict[Path, Signal]]] = {}
        path_of, scopes = order.path, self.scopes
        for signal in signals:
            scope = scope_of(signal)
            names = scopes.get(scope)
            if names is None:
                names = scopes[scope] = {}
            if wanted is None or signal.name in wanted:
                paths = names.get(signal.name)
                if paths is None:
                    paths = names[signal.name] = {}
                paths[path_of(signal)] = signal

    def scopes_of(self, names: Iterable[str]) -> set[Scope]:
        """The most precise scopes in which one of the names is found."""
        found = {scope for scope, held in self.scopes.items() for name in names if name in held}
        return {scope for scope in found if not any(other != scope and _within(other, scope) for other in found)}

    def full_scopes(self) -> list[Scope]:
        """Every (model, version) that has signals; when there is none, every scope."""
        return [scope for scope in self.scopes if scope[1]] or list(self.scopes)

    def view(self, scope: Scope) -> SignalView:
        """What a rule sees in a scope."""
        return SignalView(self, scope)


class SignalView:
    """The signals of one scope; what isn't found there is looked up over all versions, then over all models."""

    def __init__(self, index: SignalIndex, scope: Scope) -> None:
        self.scope = scope
        chain = (scope, (scope[0], ""), ("", ""))
        self._bounds: dict[str, tuple[float, float] | None] = {}
        self._flat: dict[str, float] | None = None
        self._labelled: dict[tuple[str, str], dict[str, list[Signal]]] = {}
        self.memo: dict[str, Any] = {}  # what others worked out from this view, for the next alert of the same evaluation
        self._chain = [index.scopes[one] for one in dict.fromkeys(chain) if one in index.scopes]

    def series(self, name: str) -> Mapping[Path, Signal]:
        """Every series of a signal."""
        for names in self._chain:
            if name in names:
                return names[name]
        return {}

    def bounds(self, name: str) -> tuple[float, float] | None:
        """The least and the greatest value of a signal's series; None when none has a value."""
        if name not in self._bounds:
            values = [signal.value for signal in self.series(name).values() if signal.value is not None]
            self._bounds[name] = (min(values), max(values)) if values else None
        return self._bounds[name]

    def labelled(self, name: str, label: str, value: str) -> Sequence[Signal]:
        """The series of a signal that carry a label's value. Arranged once for all rules that ask for the label."""
        key = (name, label)
        if key not in self._labelled:
            found: dict[str, list[Signal]] = {}
            for signal in self.series(name).values():
                found.setdefault(signal.labels.get(label, ""), []).append(signal)
            self._labelled[key] = found
        return self._labelled[key].get(value, ())

    def signal(self, reference: Reference) -> Signal | None:
        """The one signal a reference names, if it names one."""
        return self.series(reference.name).get(reference.path)

    def value(self, reference: Reference) -> Any:
        """A number; a map keyed by label value where the path stops short of all labels; None without data."""
        series = self.series(reference.name)
        found = series.get(reference.path)
        if found is not None:
            return found.value
        depth = len(reference.path)
        tree: dict[str, Any] = {}
        for path, signal in series.items():
            if path[:depth] == reference.path and signal.value is not None:
                _plant(tree, path[depth:], signal.value)
        return tree or None

    def context(self, references: Iterable[Reference], asked: Iterable[Reference]) -> tuple[Any, set[str]]:
        """(the CEL context, the variables it holds)"""
        values: dict[str, Any] = {}
        for reference in references:
            value = self.value(reference)
            if value is not None:
                values[reference.variable] = value
        held = set(values)
        for reference in asked:
            values[asked_variable(reference)] = self.value(reference) is not None
        return context_of(values), held

    def flat(self) -> dict[str, float]:
        """Every number by name, for Python conditions and templates: ``error_rate``, ``drift.score``, ``drift.feature_score[age]``, the aliases."""
        if self._flat is not None:
            return self._flat
        data: dict[str, float] = {}
        for names in reversed(self._chain):
            for name, series in names.items():
                for path, signal in series.items():
                    if signal.value is not None:
                        data[name + "".join(f"[{part}]" for part in path)] = signal.value
        for alias, name in ALIASES.items():
            if name in data:
                data.setdefault(alias, data[name])
        self._flat = data
        return data


def _within(inner: Scope, outer: Scope) -> bool:
    return (outer[0] in ("", inner[0])) and outer[1] == "" and (inner[1] != "" or outer[0] == "")


def _plant(tree: dict[str, Any], path: Path, value: float) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    if path:
        tree[path[-1]] = value

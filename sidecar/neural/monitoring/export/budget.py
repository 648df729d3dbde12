"""The budget of series: a label that takes too many values is folded into ``_other``, and the folding is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neural.monitoring.export.family import Family, Labels, Sample

OTHER = "_other"


@dataclass(slots=True)
class Budget:
    """``max_series`` lines a page, ``max_label_values`` values of one wide label.

    Who came first stays, over all pages: a series that has its own line keeps it.
    """

    max_series: int = 20_000
    max_label_values: int = 500
    folded_samples: int = 0  # over all pages
    _known: dict[tuple[str, str], set[str]] = field(default_factory=dict[tuple[str, str], set[str]])

    def apply(self, families: Sequence[Family]) -> int:
        """Fold, in place, in the order of the families. Returns how many series were folded or left out."""
        left, folded = self.max_series, 0
        for family in families:
            before = len(family.samples)
            if family.spec.wide:
                family.samples = self._within_values(family)
                if len(family.samples) > left:
                    family.samples = _merged(family, [_renamed(sample, family.spec.wide) for sample in family.samples])
            if len(family.samples) > left:
                family.samples = []
            left -= len(family.samples)
            folded += before - len(family.samples)
        self.folded_samples += folded
        return folded

    def _within_values(self, family: Family) -> list[Sample]:
        wide = family.spec.wide
        known = self._known.setdefault((family.spec.name, wide), set())
        kept: list[Sample] = []
        over: list[Sample] = []
        for sample in family.samples:
            value = next((value for name, value in sample.labels if name == wide), "")
            if value in known or len(known) < self.max_label_values:
                known.add(value)
                kept.append(sample)
            else:
                over.append(_renamed(sample, wide))
        return kept + _merged(family, over) if over else family.samples


def _renamed(sample: Sample, wide: str) -> Sample:
    return sample._replace(labels=tuple((name, OTHER if name == wide else value) for name, value in sample.labels))


def _merged(family: Family, samples: list[Sample]) -> list[Sample]:
    """One line a label set: counters add up, of gauges the largest stays."""
    by_labels: dict[Labels, Sample] = {}
    for sample in samples:
        other = by_labels.get(sample.labels)
        if other is None:
            by_labels[sample.labels] = sample
        else:
            value = other.value + sample.value if family.spec.kind == "counter" else max(other.value, sample.value)
            by_labels[sample.labels] = other._replace(value=value)
    return list(by_labels.values())

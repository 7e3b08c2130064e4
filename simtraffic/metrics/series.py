"""Instruments and their series: which shape of a table feeds which attribute set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simtraffic.arrays import Floats
from simtraffic.conventions.columns import FLOAT_COLUMNS
from simtraffic.conventions.evaluate import constant

if TYPE_CHECKING:
    from simtraffic.conventions.frames import ShapeBook, ShapeValues
    from simtraffic.conventions.model import Measurement, MetricSpec, Scalar

    Attributes = tuple[tuple[str, Scalar | tuple[Scalar, ...]], ...]

ABSENT = -1


@dataclass
class Instrument:
    """A metric with the attribute sets that were seen so far."""

    spec: MetricSpec
    bounds: Floats
    """Bucket bounds in the measured column's own unit."""
    divisor: int
    """From the column's unit to the metric's."""
    is_integer: bool
    """Whether the metric's values are whole numbers."""
    series: dict[Attributes, int] = field(default_factory=dict)
    _lookups: list[NDArray[np.int32]] = field(default_factory=list)

    @classmethod
    def of(cls, spec: MetricSpec) -> Instrument:
        """The instrument that this specification describes."""
        columns = [each.value for each in spec.measures if each.value]
        divisor = columns[0].divisor if columns else 1
        bounds = np.array([_exact(bound * divisor) for bound in spec.buckets], dtype=np.float64)
        is_integer = divisor == 1 and not any(c.name in FLOAT_COLUMNS for c in columns)
        return cls(
            spec=spec,
            bounds=bounds,
            divisor=divisor,
            is_integer=is_integer and not spec.rate_ns,
            _lookups=[np.empty(0, dtype=np.int32) for _ in spec.measures],
        )

    @property
    def bucket_count(self) -> int:
        """Buckets of a histogram, the last without an upper bound."""
        return len(self.bounds) + 1

    def series_of(self, measure: int, book: ShapeBook) -> NDArray[np.int32]:
        """Series number by shape for one of the measures; :data:`ABSENT` where nothing counts."""
        lookup = self._lookups[measure]
        if len(lookup) < len(book.shapes):
            new = range(len(lookup), len(book.shapes))
            numbers = [self.number(self.spec.measures[measure], book.values(s)) for s in new]
            lookup = np.concatenate([lookup, np.array(numbers, dtype=np.int32)])
            self._lookups[measure] = lookup
        return lookup

    def number(self, measurement: Measurement, shape: ShapeValues) -> int:
        """Series that a measurement of this shape feeds, if need be a new one; or ABSENT."""
        if not (self.spec.when.holds(shape) and measurement.when.holds(shape)):
            return ABSENT
        attributes = attribute_set(self.spec, measurement, shape)
        return self.series.setdefault(attributes, len(self.series))


def attribute_set(spec: MetricSpec, measurement: Measurement, shape: ShapeValues) -> Attributes:
    """Attributes of the series that a row of this shape feeds."""
    made: dict[str, Scalar | tuple[Scalar, ...]] = {}
    for attribute in (*spec.attributes, *measurement.attributes):
        if attribute.key not in made and attribute.when.holds(shape):
            made[attribute.key] = constant(attribute.value, shape)
    return tuple(made.items())


def _exact(value: float) -> float:
    # 0.07 * 1e9 is not quite 70,000,000; the bound means the whole number.
    nearest = round(value)
    return float(nearest) if abs(value - nearest) < 1e-6 * max(1.0, abs(value)) else value

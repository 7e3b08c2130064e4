"""Checks on received spans, on whole columns of a request at a time.

Ids of other requests are remembered for parents and duplicates in two generations of bounded size,
so memory stays flat on an endless run. The price: a duplicate that comes more than a generation of
spans later is not recognised, and a parent that has not come by then is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add, gt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from simtraffic.collector.counts import Faults

# Spans remembered are between one and two of these, at about 110 bytes each.
GENERATION = 250_000

_YEAR_2000_NS = 946_684_800_000_000_000
_YEAR_2100_NS = 4_102_444_800_000_000_000
_KINDS = frozenset(range(1, 6))
_ZERO_TRACE = bytes(16)
_ZERO_SPAN = bytes(8)
# Of a trace id and a span id, in bytes.
_KEY = 24

MISSING_PARENT = "parent span did not arrive in the same trace"


class TraceCheck:
    """Spans in order of arrival; the caller keeps threads apart."""

    def __init__(self, faults: Faults, generation: int = GENERATION) -> None:
        self._faults = faults
        self._generation = generation
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._waiting_young: set[bytes] = set()
        self._waiting_old: set[bytes] = set()

    @property
    def orphans(self) -> int:
        """Parents that were named and have not come yet."""
        return len(self._waiting_young) + len(self._waiting_old)

    def check(self, request: ExportTraceServiceRequest) -> int:
        """Check a request; returns the number of its spans."""
        spans = [
            span
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        if spans:
            traces = [span.trace_id for span in spans]
            ids = [span.span_id for span in spans]
            self._check_ids(traces, ids)
            self._check_fields(spans)
            self._check_family(spans, traces, ids)
        return len(spans)

    def _check_ids(self, traces: Sequence[bytes], ids: Sequence[bytes]) -> None:
        if set(map(len, traces)) != {16} or _ZERO_TRACE in traces:
            bad = sum(len(each) != 16 or each == _ZERO_TRACE for each in traces)
            self._faults.add("trace id is not 16 bytes, or all zero", bad)
        if set(map(len, ids)) != {8} or _ZERO_SPAN in ids:
            bad = sum(len(each) != 8 or each == _ZERO_SPAN for each in ids)
            self._faults.add("span id is not 8 bytes, or all zero", bad)

    def _check_fields(self, spans: Sequence[Span]) -> None:
        starts = [span.start_time_unix_nano for span in spans]
        ends = [span.end_time_unix_nano for span in spans]
        self._faults.add("span ends before it starts", sum(map(gt, starts, ends)))
        if min(starts) < _YEAR_2000_NS or max(ends) > _YEAR_2100_NS:
            bad = sum(
                start < _YEAR_2000_NS or end > _YEAR_2100_NS
                for start, end in zip(starts, ends, strict=True)
            )
            self._faults.add("span time is outside the years 2000 to 2100; wrong unit?", bad)
        kinds = [span.kind for span in spans]
        if not _KINDS.issuperset(kinds):
            bad = sum(kind not in _KINDS for kind in kinds)
            self._faults.add("span kind is unspecified or unknown", bad)
        self._faults.add("span has no name", [span.name for span in spans].count(""))

    def _check_family(
        self, spans: Sequence[Span], traces: Sequence[bytes], ids: Sequence[bytes]
    ) -> None:
        parents = [span.parent_span_id for span in spans]
        if not {0, 8}.issuperset(map(len, parents)):
            self._faults.add(
                "parent span id is not 8 bytes", sum(len(p) not in {0, 8} for p in parents)
            )
        keys = set(map(add, traces, ids))
        again = len(spans) - len(keys) + len(keys & self._young) + len(keys & self._old)
        self._faults.add("span id came twice in its trace", again)
        named = {trace + parent for trace, parent in zip(traces, parents, strict=True) if parent}
        if max(map(len, keys | named)) > _KEY:
            # Ids of a wrong length may be of any length: they were counted, and are not kept whole.
            keys = {key for key in keys if len(key) <= _KEY}
            named = {key[: _KEY + 1] for key in named}
        self._waiting_young -= keys
        self._waiting_old -= keys
        self._waiting_young |= named - keys - self._young - self._old - self._waiting_old
        self._young |= keys
        # Of spans that come again and again with other parents, only the parents are many.
        if max(len(self._young), len(self._waiting_young)) >= self._generation:
            self._age()

    def _age(self) -> None:
        # Parents end last, so at a high rate one may still be on its way: not judged.
        self._waiting_old, self._waiting_young = self._waiting_young, set()
        self._old, self._young = self._young, set()

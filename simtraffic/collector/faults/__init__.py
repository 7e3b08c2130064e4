"""What the collector does wrong on purpose, so that exporters can be tried against it.

A :class:`Fault` says what happens, how often and when; :class:`FaultPlan` decides, request by
request, which one it is; the doors do it. :func:`parse_fault` reads what stands after ``--fault``.
"""

from __future__ import annotations

from simtraffic.collector.faults.model import Fault, Kind
from simtraffic.collector.faults.plan import FaultPlan
from simtraffic.collector.faults.text import parse_fault

__all__ = ["Fault", "FaultPlan", "Kind", "parse_fault"]

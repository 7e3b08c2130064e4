"""What the collector does wrong on purpose, so that exporters can be tried against it.

A :class:`Misbehaviour` says what happens, how often and when; :class:`Conduct` decides, request by
request, which one it is; the doors do it. :func:`parse_fault` reads what stands after ``--fault``.
"""

from __future__ import annotations

from simtraffic.collector.faults.conduct import Conduct
from simtraffic.collector.faults.model import Kind, Misbehaviour
from simtraffic.collector.faults.text import parse_fault

Fault = Misbehaviour
"""What it is called where it is asked for, as by ``--fault`` and :meth:`Collector.fault`."""

__all__ = ["Conduct", "Fault", "Kind", "Misbehaviour", "parse_fault"]

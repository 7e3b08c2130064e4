"""Wires the stages: scenario, schedule, simulation, telemetry, export, ledger, result.

The only place that knows all of them. :func:`run` pushes a scenario's traffic, :func:`plan` says
what it would push, :func:`simulate` gives the tables alone.
"""

from __future__ import annotations

from simtraffic.runner.conduct import run, simulate
from simtraffic.runner.options import RunOptions
from simtraffic.runner.preview import plan
from simtraffic.runner.stop import StopSignal

__all__ = ["RunOptions", "StopSignal", "plan", "run", "simulate"]

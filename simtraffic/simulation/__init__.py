"""Due times turned into what happened, as tables of columns; no network, no clock, no waiting."""

from __future__ import annotations

from simtraffic.simulation.simulate import Simulator

__all__ = ["Simulator"]

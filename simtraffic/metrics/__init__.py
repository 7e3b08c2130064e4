"""Measuring: from the rows of the simulation to series, without a byte of how they are emitted."""

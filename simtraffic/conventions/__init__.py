"""How a request is emitted: conventions as data over the simulation's columns."""

"""How a request is told: conventions as data over the simulation's columns."""

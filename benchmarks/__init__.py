"""Measurements of simtraffic itself and against its peers; run as ``python -m benchmarks``.

Nothing here is asserted by a test: times depend on the machine and on what else it does. What is
worth quoting are medians, and ratios of programs that took turns in one run.
"""

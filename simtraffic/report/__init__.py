"""What became of a run, in words and figures: sums, thresholds, the result, its pictures.

Modules are imported by name; this one imports nothing, so that nouns without numpy stay cheap.
"""

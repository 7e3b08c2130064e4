"""Names for the numpy arrays that columns are: one dimension, unless it is said otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
"""Times in nanoseconds, counts, tokens, money in 1e-12 US dollars."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]
"""Row numbers."""
Codes = NDArray[np.int16]
"""Positions in a vocabulary."""
Words = NDArray[np.uint64]
"""Sixty-four random bits, or an id."""
Octets = NDArray[np.uint8]
Array = NDArray[Any]
"""A column of any type."""

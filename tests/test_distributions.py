from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from simtraffic.distributions import (
    Z95,
    QuantileTables,
    inverse_normal,
    lognormal_of_quantiles,
    normal_of_hash,
    normal_share,
)


def test_the_inverse_normal_equals_the_standard_librarys() -> None:
    shares = np.array([1e-300, 1e-20, 1e-9, 0.001, 0.0749, 0.0751, 0.3, 0.5, 0.7, 0.95, 1 - 1e-9])
    expected = [NormalDist().inv_cdf(share) for share in shares]
    # Both are the same algorithm; the order of its sums differs.
    np.testing.assert_allclose(inverse_normal(shares), expected, rtol=1e-13, atol=1e-15)


def test_share_and_score_are_inverse() -> None:
    for z in (-3.0, -0.1, 0.0, 1.7):
        assert inverse_normal(normal_share(z)) == pytest.approx(z, abs=1e-12)


def test_a_lognormal_has_the_quantiles_it_was_asked_for() -> None:
    mu, sigma = lognormal_of_quantiles(900, 4000)
    tables = QuantileTables.of_mixtures([[(1.0, mu, sigma)]])
    # Linear interpolation between table points: 2e-4.
    assert tables.quantile(0, 0.0) == pytest.approx(900, rel=2e-4)
    assert tables.quantile(0, Z95) == pytest.approx(4000, rel=2e-4)


def test_equal_quantiles_give_a_constant() -> None:
    mu, sigma = lognormal_of_quantiles(100, 100)
    tables = QuantileTables.of_mixtures([[(1.0, mu, sigma)]])
    np.testing.assert_allclose(tables.at(np.array([-5.0, 0.0, 5.0]), 0), 100.0)


def test_a_mixtures_quantiles_invert_its_distribution() -> None:
    mixture = [(0.722, 4.639, 0.708), (0.278, 6.007, 0.05)]
    tables = QuantileTables.of_mixtures([[(1.0, 0.0, 1.0)], mixture])
    for z in (-3.0, -1.0, 0.0, 0.5, 1.0, 2.5):
        value = math.log(tables.quantile(1, z))
        share = sum(w * normal_share((value - mu) / sigma) for w, mu, sigma in mixture)
        # The narrow component bends the curve between two table points.
        assert share == pytest.approx(normal_share(z), abs=2e-3)


def test_means_follow_from_the_tables() -> None:
    mixture = [(0.722, 4.639, 0.708), (0.278, 6.007, 0.05)]
    exact = sum(w * math.exp(mu + sigma**2 / 2) for w, mu, sigma in mixture)
    assert QuantileTables.of_mixtures([mixture]).mean(0) == pytest.approx(exact, rel=1e-3)


def test_each_row_is_read_from_its_own_function() -> None:
    tables = QuantileTables.of_mixtures([[(1.0, 0.0, 1.0)], [], [(1.0, 3.0, 0.0)]])
    values = tables.at(np.zeros(3), np.array([0, 1, 2]))
    np.testing.assert_allclose(values, [1.0, 0.0, math.exp(3.0)])


def test_scores_beyond_the_table_are_cut() -> None:
    tables = QuantileTables.of_mixtures([[(1.0, 0.0, 1.0)]])
    np.testing.assert_allclose(
        tables.at(np.array([-99.0, 99.0]), 0), [math.exp(-6.0), math.exp(6.0)]
    )


def test_hashes_become_standard_normal_scores() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**63, 200_000).astype(np.uint64)
    scores = normal_of_hash(hashes)
    # Five standard errors at n = 200,000.
    assert abs(scores.mean()) < 5 / math.sqrt(200_000)
    assert abs(scores.std() - 1.0) < 5 / math.sqrt(2 * 200_000)
    assert abs((scores < Z95).mean() - 0.95) < 5 * math.sqrt(0.95 * 0.05 / 200_000)

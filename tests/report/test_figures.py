"""Figures as people read them."""

import pytest

from simtraffic.report import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.2, "0.2"),
        (49.83, "49.8"),
        (999.4, "999"),
        (999.7, "1k"),
        (1_234, "1.23k"),
        (12_345, "12.3k"),
        (999_600, "1M"),
        (4.2e12, "4.2T"),
    ],
)
def test_short_numbers_have_three_figures(value, text):
    assert figures.short(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (22_345_678, "22.3 MB"), (5e12, "5 TB")],
)
def test_sizes(value, text):
    assert figures.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (3e-8, "30 ns"),
        (0.00085, "850 µs"),
        (0.0123, "12.3 ms"),
        (0.9999, "1 s"),
        (1.244, "1.24 s"),
        (99.9, "99.9 s"),
        (125.0, "2m05s"),
    ],
)
def test_measured_durations(value, text):
    assert figures.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0s"),
        (59.6, "1m"),
        (150, "2m30s"),
        (3_600, "1h"),
        (3_725, "1h02m"),
        (86_400 * 3 + 4 * 3_600, "3d04h"),
    ],
)
def test_stretches_of_time(value, text):
    assert figures.clock(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.0412, "4.12 %"),
        (0.99999, "99.9990 %"),
        (0.00001, "0.0010 %"),
        (1e-9, "< 0.0001 %"),
        (1 - 1e-9, "> 99.9999 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(value, text):
    assert figures.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "$0.00"),
        (0.00001, "~$0"),
        (0.0123, "$0.0123"),
        (1.4112, "$1.41"),
        (2e6, "$2,000,000.00"),
    ],
)
def test_dollars(value, text):
    assert figures.usd(value) == text


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        ("delivered", "50.00 %"),
        ("duration", "500 ms"),
        ("rate", "0.5/s"),
        ("cost_usd", "$0.5000"),
        ("requests", "0"),
    ],
)
def test_a_threshold_is_told_in_the_unit_of_its_measure(measure, text):
    assert figures.measured(0.5, measure) == text

"""Quantities read and written."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtraffic import units
from simtraffic.units import UnitError


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0s", 0),
        ("1ns", 1),
        ("250ms", 250_000_000),
        ("0.3s", 300_000_000),
        ("2m", 120_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("7d", 604_800_000_000_000),
        ("1m1s500ms", 61_500_000_000),
    ],
)
def test_durations_are_exact_nanoseconds(text, nanoseconds):
    assert units.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("30", "write 30s or 30ms"),
        ("30m1h", "write it like 1h30m"),
        ("1s1s", "write it like 1h30m"),
        ("3651d", "at most 3650d"),
        ("-5s", "write it like 250ms, 30s, 2m, 1h30m or 7d"),
        ("5 s", "write it like 250ms, 30s, 2m, 1h30m or 7d"),
        ("5s\n", "write it like 250ms, 30s, 2m, 1h30m or 7d"),
        ("", "write it like 250ms, 30s, 2m, 1h30m or 7d"),
        ("٣s", "write it like 250ms, 30s, 2m, 1h30m or 7d"),
    ],
)
def test_other_durations_are_refused_with_a_hint(text, hint):
    with pytest.raises(UnitError) as caught:
        units.parse_duration(text)

    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "per_second"), [("50/s", 50.0), ("3000/m", 50.0), ("0.2/s", 0.2), ("9/h", 0.0025)]
)
def test_rates_are_a_second(text, per_second):
    assert units.parse_rate(text) == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["50", "50/", "50/min", "/s", "-1/s", "1e3/s"])
def test_other_rates_are_refused(text):
    with pytest.raises(UnitError):
        units.parse_rate(text)


@pytest.mark.parametrize(("text", "ratio"), [("5%", 0.05), ("0.2%", 0.002), ("100%", 1.0)])
def test_shares_are_ratios(text, ratio):
    assert units.parse_share(text) == ratio


@pytest.mark.parametrize("text", ["5", "101%", "%", "-1%", "5 %"])
def test_other_shares_are_refused(text):
    with pytest.raises(UnitError):
        units.parse_share(text)


@pytest.mark.parametrize(
    ("text", "size"), [("512B", 512), ("2KB", 2000), ("2KiB", 2048), ("1.5MB", 1_500_000)]
)
def test_sizes_tell_thousands_from_powers_of_two(text, size):
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["64", "2kb", "2K", "1TB"])
def test_other_sizes_are_refused(text):
    with pytest.raises(UnitError):
        units.parse_size(text)


@pytest.mark.parametrize(("text", "count"), [("900", 900), ("4k", 4000), ("1.5M", 1_500_000)])
def test_counts_may_have_a_suffix(text, count):
    assert units.parse_count(text) == count


@pytest.mark.parametrize("text", ["1.5", "0.0001k", "-4", "4K", "4 k", "k"])
def test_other_counts_are_refused(text):
    with pytest.raises(UnitError):
        units.parse_count(text)


@given(st.integers(0, units.MAX_DURATION_NS))
def test_a_formatted_duration_reads_as_itself(nanoseconds):
    assert units.parse_duration(units.format_duration(nanoseconds)) == nanoseconds


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_but_nothing_else(text):
    readers = (
        units.parse_duration,
        units.parse_rate,
        units.parse_share,
        units.parse_size,
        units.parse_count,
    )
    for read in readers:
        with contextlib.suppress(UnitError):
            assert read(text) >= 0


def test_durations_are_written_short():
    spellings = [units.format_duration(n) for n in (0, 150_000_000_000, 250_000_000, 1_500_000_000)]

    assert spellings == ["0s", "2m30s", "250ms", "1.5s"]


def test_rates_and_shares_are_written_for_people():
    assert (units.format_rate(50.0), units.format_rate(1 / 3)) == ("50/s", "0.333333/s")
    assert units.format_share(0.002) == "0.2%"

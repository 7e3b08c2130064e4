"""Figures as people read them: the rules at the top of the module, and examples."""

import re
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simtraffic import figures

UNITS = {
    **dict.fromkeys(("", "/s", " B", " s", " %"), Fraction(1)),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    " ms": Fraction(1, 10**3),
    " µs": Fraction(1, 10**6),
    " ns": Fraction(1, 10**9),
    " kB": Fraction(10**3),
    " MB": Fraction(10**6),
    " GB": Fraction(10**9),
    " TB": Fraction(10**12),
    "d": Fraction(86_400),
    "h": Fraction(3_600),
    "m": Fraction(60),
    "s": Fraction(1),
}
SHOWN = re.compile(r"\$?([\d,]+)(?:\.(\d+))?(.*)")
NUMBERS = st.floats(1e-6, 9e14, allow_nan=False)
FORMATS = {
    "short": figures.short,
    "size": figures.size,
    "rate": figures.rate,
    "seconds": lambda value: figures.durations([value])[0],
    "usd": figures.usd,
}
COLUMNS = {
    "short": figures.shorts,
    "size": figures.sizes,
    "rate": figures.rates,
    "seconds": figures.durations,
    "usd": figures.dollars,
}


def read(text):
    """The value that a figure shows, and half a unit of its last digit."""
    whole, decimals, unit = SHOWN.fullmatch(text.strip()).groups()
    step = UNITS[unit.removesuffix("/s") if unit != "/s" else unit]
    last = step / 10 ** len(decimals or "")
    return Fraction(f"{whole.replace(',', '')}.{decimals or 0}") * step, last / 2


def digits(text):
    """How many figures it shows, noughts before the first not counted."""
    whole, decimals, _ = SHOWN.fullmatch(text.strip()).groups()
    return len((whole.replace(",", "") + (decimals or "")).lstrip("0"))


def is_less(text):
    """Whether it only says what something is less than."""
    return text.strip().startswith("<")


@pytest.mark.parametrize("name", FORMATS)
@given(value=NUMBERS)
@example(value=999_499.99999999988)
@example(value=0.9995)
@example(value=99.95)
@example(value=999_600.0)
def test_no_figure_is_off_by_more_than_half_of_its_last_digit(name, value):
    text = FORMATS[name](value)

    if not is_less(text):
        shown, half = read(text)
        assert abs(shown - Fraction(value)) <= half * (1 + Fraction(1, 10**9))


@pytest.mark.parametrize("name", ["short", "size", "rate", "seconds"])
@given(value=NUMBERS)
@example(value=999_499.99999999988)
@example(value=999_600.0)
@example(value=9_995.0)
def test_three_figures_are_kept_and_no_unit_comes_to_a_thousand(name, value):
    text = FORMATS[name](value)

    largest = value >= 999.5 * (1e12 if name != "seconds" else 1)
    is_counted = name in ("short", "size") and value < 1000 and value % 1 == 0
    if not (largest or is_counted or is_less(text)):
        assert digits(text) == 3
        assert not re.match(r"1,?000", text)


@pytest.mark.parametrize("name", FORMATS)
@given(values=st.tuples(NUMBERS, NUMBERS))
def test_what_is_more_is_never_shown_as_less(name, values):
    small, large = (FORMATS[name](value) for value in sorted(values))

    if not (is_less(small) or is_less(large)):
        assert read(small)[0] <= read(large)[0]


@pytest.mark.parametrize("name", COLUMNS)
@given(values=st.lists(st.floats(1e-3, 9e9) | st.just(0.0), min_size=1, max_size=6))
def test_a_column_has_one_unit_and_stands_on_the_point(name, values):
    texts = COLUMNS[name](values)

    shown = [found for t in texts if not is_less(t) and (found := SHOWN.fullmatch(t.strip()))]
    assert len(shown) == sum(not is_less(text) for text in texts)
    assert len({found[3] for found in shown if found[1].strip("0,") or found[2]}) <= 1
    if name != "usd":
        assert len({len(text) for text in texts}) == 1
        assert len({text.index(".") for text in texts if "." in text}) <= 1
    for text, value in zip(texts, values, strict=True):
        if not is_less(text):
            found, half = read(text)
            assert abs(found - Fraction(value)) <= half * (1 + Fraction(1, 10**9))
            assert not value or name == "usd" or digits(text) >= 3 or value % 1 == 0


@given(st.floats(0, 1))
@example(0.9996)
@example(0.99999951)
@example(0.00005)
def test_a_share_is_never_rounded_to_all_or_nothing(value):
    text = figures.share(value)

    if text[0] in "<>":
        assert 0 < value <= 1e-6 or 1 - 1e-6 <= value < 1
    else:
        shown, half = read(text)
        assert abs(shown - Fraction(value) * 100) <= half * (1 + Fraction(1, 10**6))
        assert (shown in (0, 100)) == (value in (0, 1))


@given(st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_larger_share_is_never_shown_as_a_smaller_one(values):
    small, large = (figures.share(value) for value in sorted(values))

    if not {small[0], large[0]} & {"<", ">"}:
        assert read(small)[0] <= read(large)[0]


@given(st.floats(1e-6, 4e8))
@example(0.0)
@example(3_599.6)
@example(3_779.0)
@example(86_399.0)
def test_a_stretch_of_time_is_rounded_to_the_nearest(value):
    text = figures.stretch(value)

    parts = re.findall(r"([\d.]+) ?([a-zµ]+)", text)
    assert "".join(number + unit for number, unit in parts) == text.replace(" ", "")
    shown = sum(
        Fraction(number) * UNITS[unit if unit in UNITS else f" {unit}"] for number, unit in parts
    )
    half = Fraction(1800) if "d" in text else Fraction(30) if "h" in text else Fraction(1, 2)
    assert abs(shown - Fraction(value)) <= half
    assert (shown == 0) == (value == 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.2, "0.200"),
        (5, "5"),
        (49.83, "49.8"),
        (950, "950"),
        (999.4, "999"),
        (999.7, "1.00k"),
        (1_234, "1.23k"),
        (6_800, "6.80k"),
        (999_600, "1.00M"),
        (4.2e12, "4.20T"),
    ],
)
def test_short_numbers(value, text):
    assert figures.short(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.00 kB"), (22_345_678, "22.3 MB"), (5e12, "5.00 TB")],
)
def test_sizes(value, text):
    assert figures.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (3e-8, "30.0 ns"),
        (0.00085, "850 µs"),
        (0.0123, "12.3 ms"),
        (0.9999, "1.00 s"),
        (3.0, "3.00 s"),
        (99.9, "99.9 s"),
        (125.0, "2m05s"),
    ],
)
def test_measured_durations(value, text):
    assert figures.seconds(value) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([6_800, 7_270, 12_000], [" 6.80k", " 7.27k", "12.0k "]),
        # Of which one is no thousand: all are told in full.
        ([3_658, 5], ["3,658", "    5"]),
        ([95, 41_000_000, 0], ["        95", "41,000,000", "         0"]),
    ],
)
def test_tokens_in_a_column_have_one_unit(values, texts):
    assert figures.shorts(values) == texts


def test_durations_in_a_column_have_one_unit_and_no_clock():
    assert figures.durations([0.968, 1.0, None, 155]) == [
        "  0.968 s",
        "  1.00 s ",
        "  –      ",
        "155 s    ",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0s"),
        (0.4, "400 ms"),
        (5.93, "5.9s"),
        (59.6, "1m"),
        (150, "2m30s"),
        (3_600, "1h"),
        (3_725, "1h02m"),
        (3_779, "1h03m"),
        (86_399, "1d"),
        (86_400 * 3 + 4 * 3_600, "3d04h"),
    ],
)
def test_stretches_of_time(value, text):
    assert figures.stretch(value) == text


def test_a_clock_that_runs_shows_no_part_of_a_second():
    assert [figures.clock(value) for value in (0.3, 0.914, 5.93, 59.6)] == ["0s", "1s", "6s", "1m"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.0412, "4.12 %"),
        (0.2246, "22.5 %"),
        (0.9996, "99.96 %"),
        (0.99999, "99.999 %"),
        (1e-9, "< 0.0001 %"),
        (1 - 1e-9, "> 99.9999 %"),
    ],
)
def test_shares(value, text):
    assert figures.share(value) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0], ["$0.00"]),
        ([2.88], ["$2.88"]),
        ([0.6258], ["$0.626"]),
        ([2.88, 0.6258], ["$2.880", "$0.626"]),
        ([0.0123], ["$0.0123"]),
        ([0.000001], ["< $0.00001"]),
        ([2e6], ["$2,000,000.00"]),
    ],
)
def test_dollars_of_a_column_have_as_many_decimals(values, texts):
    assert figures.dollars(values) == texts


def test_prices_are_exact_and_stand_on_the_point():
    assert figures.prices([2.5, 0.075, 10, 0]) == [" 2.50 ", " 0.075", "10.00 ", " 0.00 "]


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (8_192, "8k"),
        (128_000, "128k"),
        (131_072, "128k"),
        (1_000_000, "1M"),
        (1_048_576, "1M"),
        (1_047_576, "1,047,576"),
    ],
)
def test_a_context_window_is_told_as_its_provider_says_it_or_in_full(tokens, text):
    assert figures.context(tokens) == text


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        ("delivered", "50.0 %"),
        ("duration", "500 ms"),
        ("rate", "0.500/s"),
        ("cost_usd", "$0.500"),
        ("requests", "0"),
    ],
)
def test_a_threshold_is_told_in_the_unit_of_its_measure(measure, text):
    assert figures.measured(0.5, measure) == text

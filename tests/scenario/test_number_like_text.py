"""Text that looks like a number: sent as written, or refused with the hint to quote it."""

from __future__ import annotations

import pytest

from tests.scenario.cases import extended, faults, read

AS_TEXT = [
    *("01234", "0755", "00", "1_000", "12:30", "2026-01-01", "2026-01-01T00:00:00Z", "1.2.3"),
    *("yes", "no", "on", "off", "y", "0b101", "1e", "0x", "-", "v1.10", "1,5", "-01", "01.5"),
]
REFUSED = [
    *("1.10", "1e3", "1E3", "0x1F", "0o17", ".5", "+1", "1.50", "-0", "0.0000", "True", "FALSE"),
    *("9007199254740993.5", "0.12345678901234567890", "+.5", "1.0e-3"),
]
AS_NUMBERS = [("0", 0), ("42", 42), ("-7", -7), ("0.5", 0.5), ("1.0", 1.0), ("true", True)]


def attribute(value, environ=None):
    text = extended(f"service: {{attributes: {{a: {value}}}}}\n")
    return read(text, environ=environ).service.attributes["a"]


@pytest.mark.parametrize("value", AS_TEXT)
def test_an_attribute_that_is_no_number_is_text_as_written(value):
    if "," in value:
        value = f"'{value}'"

    assert attribute(value) == value.strip("'")


@pytest.mark.parametrize("value", REFUSED)
def test_an_attribute_that_would_be_changed_is_refused(value):
    (line,) = faults(extended(f"service: {{attributes: {{a: {value}}}}}\n"))

    assert line.startswith(
        "x.yaml:13:27 service.attributes.a: a value that would be sent otherwise"
    )
    assert f"found {value}; put it in quotes" in line


@pytest.mark.parametrize("value", REFUSED)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_in_quotes_it_is_text_as_written(value, quote):
    assert attribute(f"{quote}{value}{quote}") == value


@pytest.mark.parametrize(("value", "number"), AS_NUMBERS)
def test_a_number_that_stays_what_it_is_remains_one(value, number):
    assert attribute(value) == number
    assert type(attribute(value)) is type(number)


@pytest.mark.parametrize("value", REFUSED)
def test_the_same_holds_for_what_the_environment_fills_in(value):
    environ = {"V": value}

    assert attribute("'${V}'", environ) == value
    text = extended("service:\n  attributes:\n    a: '${V}'\n    b: ${V}\n")
    (line,) = faults(text, environ=environ)
    assert "service.attributes.b: a value that would be sent otherwise" in line


@pytest.mark.parametrize("value", ["0755", "1_000", "12:30", "2026-01-01", "yes"])
def test_other_text_keeps_what_is_written(value):
    scenario = read(extended(f"service: {{version: {value}, name: {value}}}\n"))

    assert (scenario.service.version, scenario.service.name) == (value, value)


@pytest.mark.parametrize("value", ["1.10", "1e3", "0x1F", "7", "true"])
def test_other_text_that_is_a_number_is_refused(value):
    (line,) = faults(extended(f"service: {{version: {value}}}\n"))

    assert line == f"x.yaml:13:20 service.version: not text; found {value}; put it in quotes"


@pytest.mark.parametrize("value", ["007", "0755", "1_000"])
def test_a_number_with_leading_zeros_is_no_number(value):
    (line,) = faults(extended(f"seed: {value}\n"))

    assert "seed: not a whole number" in line


def test_a_very_long_number_is_refused():
    (line,) = faults(extended(f"service: {{attributes: {{a: {'9' * 30}}}}}\n"))

    assert line.endswith("put it in quotes")

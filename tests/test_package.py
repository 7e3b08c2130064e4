"""The public face of the package."""

import pytest

import simtraffic


@pytest.mark.parametrize("name", simtraffic.__all__)
def test_every_public_name_is_there(name):
    assert getattr(simtraffic, name) is not None
    assert name in dir(simtraffic)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = simtraffic.nothing

from __future__ import annotations

import pytest

from simtraffic.errors import UsageError
from simtraffic.schedule import Shard


def test_a_share_is_read_as_it_is_written() -> None:
    assert Shard.parse("2/8") == Shard(2, 8)
    assert str(Shard.parse(" 1 / 1 ")) == "1/1"
    assert Shard() == Shard(1, 1)


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "-1/3", "1/0", "a/b", "1/2/3", "1/99999"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="shard"):
        Shard.parse(text)

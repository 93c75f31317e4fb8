"""Which grid an address speaks of: one clear winner, or none."""

from uuid import uuid4

import pytest

from api.leads.places import Places, Spot, nearness
from api.leads.scoring import Nearness

PLACES = Places(
    Spot(uuid4(), path, name, path)
    for path, name in (
        ("t.01", "东片"),
        ("t.01.01", "柳村"),
        ("t.01.01.01", "第一网格"),
        ("t.01.01.02", "第二网格"),
        ("t.01.02", "大柳村"),
        ("t.01.02.01", "第一网格"),
        ("t.01.03", "榕村村民委员会"),
        ("t.01.04", "城南社区居民委员会"),
        ("t.01.05", "𠮷"),
    )
)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("青竹乡柳村第一网格12号", "t.01.01.01"),
        ("青竹乡柳村12号", "t.01.01"),
        ("青竹乡大柳村12号", "t.01.02"),
        ("大柳村第一网格", "t.01.02.01"),
        ("榕村3组", "t.01.03"),
        ("城南社区某路5号", "t.01.04"),
        ("青竹乡第一网格", None),
        ("柳村和榕村之间", None),
        ("外省某市", None),
        ("𠮷", None),
        (None, None),
    ],
)
def test_an_address_names_a_grid_or_none(address: str | None, path: str | None):
    named = PLACES.named_in(address)
    assert (named and named.path) == path


def test_somebody_lives_in_the_named_grid_around_it_or_elsewhere():
    named = PLACES.named_in("柳村第一网格")
    assert nearness(named, "t.01.01.01.h7") is Nearness.same_grid
    assert nearness(named, "t.01.01.02.h7") is Nearness.elsewhere
    assert nearness(PLACES.named_in("柳村"), "t.01.01.02.h7") is Nearness.around
    assert nearness(None, "t.01.01.02.h7") is Nearness.unknown

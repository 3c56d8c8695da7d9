import pytest

from basket import Basket


def test_a_new_basket_is_empty():
    assert Basket().total_cents() == 0


def test_an_added_line_counts():
    basket = Basket()
    basket.add("tea", 350)
    assert basket.total_cents() == 350


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(count):
    with pytest.raises(ValueError):
        Basket().add("tea", 350, count)

def test_b(total):
    assert total == 5


def test_more(total):
    assert total == 5

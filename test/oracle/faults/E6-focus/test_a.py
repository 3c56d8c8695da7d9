def test_a():
    pass


def test_wrong():
    assert 0

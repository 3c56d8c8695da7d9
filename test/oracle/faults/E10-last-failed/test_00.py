def test_one():
    assert 0 != 4


def test_two():
    pass

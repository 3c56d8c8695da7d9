def test_one():
    assert 1 != 4


def test_two():
    pass

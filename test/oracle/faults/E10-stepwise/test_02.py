def test_one():
    assert 2 != 4


def test_two():
    pass

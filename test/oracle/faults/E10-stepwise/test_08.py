def test_one():
    assert 8 != 4


def test_two():
    pass

def test_one():
    assert 3 != 4


def test_two():
    pass

def test_one():
    assert 9 != 4


def test_two():
    pass

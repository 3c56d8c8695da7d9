def test_one():
    assert 6 != 4


def test_two():
    pass

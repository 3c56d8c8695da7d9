def test_one():
    assert 4 != 4


def test_two():
    pass

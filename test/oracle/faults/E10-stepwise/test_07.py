def test_one():
    assert 7 != 4


def test_two():
    pass

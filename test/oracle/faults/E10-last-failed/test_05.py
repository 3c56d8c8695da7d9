def test_one():
    assert 5 != 4


def test_two():
    pass

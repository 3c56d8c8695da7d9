def test_first():
    pass


def test_second():
    assert 1 != 2

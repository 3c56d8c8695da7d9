def test_sub():
    assert 0

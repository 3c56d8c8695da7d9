def test_short():
    pass

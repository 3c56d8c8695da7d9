def test_c(total):
    assert total == 5

def test_a():
    open("t", "x").close()

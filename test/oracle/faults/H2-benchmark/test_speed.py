def test_speed(benchmark):
    assert benchmark(sum, [1, 2]) == 3


def test_plain():
    pass

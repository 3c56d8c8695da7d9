import code_under_test as code


def test_two():
    assert code.two() == 2

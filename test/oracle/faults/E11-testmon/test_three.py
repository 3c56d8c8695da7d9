import code_under_test as code


def test_three():
    assert code.three() == 3

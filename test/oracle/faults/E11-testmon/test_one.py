import code_under_test as code


def test_one():
    assert code.one() == 1

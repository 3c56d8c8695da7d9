import warnings


def test_warns():
    warnings.warn("w f\udcf6")


def test_after():
    pass

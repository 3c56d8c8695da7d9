class TestOne:
    def test_in_class(self):
        pass


def test_alone():
    pass

def test_records(record_property):
    record_property("version", "1.2")
    record_property("count", 3)
    record_property("count", 4)


def test_records_not():
    pass

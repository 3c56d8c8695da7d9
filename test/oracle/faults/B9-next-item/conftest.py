def pytest_runtest_teardown(item, nextitem):
    with open("order.txt", "a") as out:
        out.write(f"{item.name} {nextitem and nextitem.cls} {nextitem and nextitem.name is not None}\n")

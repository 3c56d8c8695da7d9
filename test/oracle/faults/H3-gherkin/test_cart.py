from pytest_bdd import given, parsers, scenarios, then, when

scenarios("features/cart.feature")


@given("an empty cart", target_fixture="cart")
def cart():
    return []


@when(parsers.parse("I add {n:d} things"))
def add(cart, n):
    cart.extend(range(n))


@then(parsers.parse("it holds {n:d}"))
def holds(cart, n):
    assert len(cart) == n

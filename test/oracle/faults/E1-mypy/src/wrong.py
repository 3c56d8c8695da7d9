def f(n: int) -> str:
    return n

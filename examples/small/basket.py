"""The code under test: a shopping basket."""


class Basket:
    def __init__(self):
        self.lines = []

    def add(self, name, cents, count=1):
        if count < 1:
            raise ValueError("count must be at least 1")
        self.lines.append((name, cents, count))

    def total_cents(self):
        return sum(cents * count for _, cents, count in self.lines)

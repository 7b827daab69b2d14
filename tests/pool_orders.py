"""Orders and stays in the pool written by hand, for the tests of the rules of the trade."""

import pandas as pd


def log(*rows, names=("customer_id", "ordered_at", "amount")):
    """Orders from rows in the order of names."""
    table = pd.DataFrame(list(rows), columns=list(names))
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"], format="mixed"))


def stays(*rows):
    """Stays from rows (customer, joined, left)."""
    table = pd.DataFrame(list(rows), columns=["customer_id", "joined_at", "left_at"])
    return table.assign(**{name: pd.to_datetime(table[name], format="mixed") for name in ("joined_at", "left_at")})

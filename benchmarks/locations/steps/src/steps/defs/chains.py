"""Chains of empty assets, each of which only passes on: an order, or a value through the store."""

import dagster as dg

LOCATION = "steps"
LENGTHS = (2, 22)


def build_order(length: int) -> list[dg.AssetsDefinition]:
    """Build a chain in which each asset only waits for the one before; nothing is stored."""
    chain: list[dg.AssetsDefinition] = []
    for place in range(length):

        @dg.asset(key=[LOCATION, f"order_{length}", f"{place:02}"], deps=chain[-1:])
        def link() -> None:
            """Do nothing."""

        chain.append(link)
    return chain


def build_value(length: int) -> list[dg.AssetsDefinition]:
    """Build a chain in which each asset loads the value of the one before and returns it; all of them are stored."""

    @dg.asset(key=[LOCATION, f"value_{length}", "00"])
    def first():
        """Start with a number."""
        return 1

    chain = [first]
    for place in range(1, length):

        @dg.asset(key=[LOCATION, f"value_{length}", f"{place:02}"], ins={"value": dg.AssetIn(chain[-1].key)})
        def link(value):
            """Pass the value on."""
            return value

        chain.append(link)
    return chain


orders = [link for length in LENGTHS for link in build_order(length)]
values = [link for length in LENGTHS for link in build_value(length)]

"""What is right: pure functions over plain values.

Nothing here reads a clock (``now`` is an argument), opens a file or a connection, or knows a
provider. ``tests/test_house.py`` reads the imports and proves it.
"""

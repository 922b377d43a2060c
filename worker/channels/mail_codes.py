"""What mail servers say of an address, in their reply or in a report (RFC 3463)."""

from datetime import timedelta

#: The address is dead, says the server.
DEAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
#: A bare refusal may be a server in trouble: the address is tried again after this time.
DOUBTFUL = timedelta(days=30)

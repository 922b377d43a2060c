"""What the tests are built from: real databases, a clinic's source, servers on loopback."""

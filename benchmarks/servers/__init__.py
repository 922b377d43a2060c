"""What the cases talk to, each in a process of its own."""

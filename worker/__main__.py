"""``python -m worker`` is the ``aftercare`` command."""

from worker.cli import main

main()

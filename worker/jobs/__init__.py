"""What the scheduler runs, as the data flows: collect, plan, send, track, report, purge."""

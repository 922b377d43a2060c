"""Aftercare: after a session, every patient hears the right thing at the right moment.

The house reads as the flow: :mod:`worker.jobs` holds what the scheduler runs, in the order the data
takes (collect, plan, send, track, report, purge); :mod:`worker.rules` holds what is right, without
I/O and without a clock.
"""

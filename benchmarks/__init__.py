"""How fast Aftercare is, as ratios within one run; see ``docs/performance.md``."""

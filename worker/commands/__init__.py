"""The subcommands of ``aftercare``, one module each."""

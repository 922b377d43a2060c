"""The rules, held to their promises without a database, a clock or a provider."""

"""The worker's own database: its tables, its engine and the queries, by subject."""

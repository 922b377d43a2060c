"""The recipes in docs/recipes, tried on the tables that the systems really have."""

"""From template to words."""

"""The real worker in trouble: killed, stopped, cut off; and what patients received all the same."""

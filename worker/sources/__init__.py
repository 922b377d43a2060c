"""Where completed sessions come from: the row contract and the databases that hold rows."""

"""How words leave: the contract, and one module per way."""

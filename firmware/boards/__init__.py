"""One module per board: which pin is what."""

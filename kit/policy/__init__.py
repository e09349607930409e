"""Requirements, and whether claims meet them. Sees claims; never evidence or the network."""

"""A clip held to its photo's colours, and how true it is to them."""

"""Search: strategies, what they cost, and from curves to an answer."""

"""The tools that are compared: each asks one real package for a learning rate."""

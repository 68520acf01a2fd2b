"""Rules for choosing a learning rate, replayed on recorded training runs."""

"""How good is the answer: regret of `find` against a dense grid of full-length runs."""

"""Find the learning rate of a model, with evidence, for about the price of one training run."""

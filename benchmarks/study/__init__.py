"""Which optimizer, learning rate and schedule: the common advice, measured on images of many classes."""

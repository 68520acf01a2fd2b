"""The built-in tasks, one file each: `INFO`, and `load(seed)`, which alone imports torch and scikit-learn."""

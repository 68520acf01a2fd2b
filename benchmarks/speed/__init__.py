"""How fast members are trained, measured beside a plain loop, processes and JAX in one run."""

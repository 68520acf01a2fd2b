"""Settings that every test shares."""

from hypothesis import settings

# Machines that test are shared and slow at times; the same examples on every run make a failure repeatable.
settings.register_profile("rightrate", deadline=None, derandomize=True)
settings.load_profile("rightrate")

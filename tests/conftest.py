"""Settings that every test shares."""

import os
import signal

from hypothesis import settings

# Machines that test are shared and slow at times; the same examples on every run make a failure repeatable.
settings.register_profile("rightrate", deadline=None, derandomize=True)
settings.load_profile("rightrate")

# A command remembers in runs.db of the working folder what it found; a test must not find what another left.
os.environ["RIGHTRATE_STORE"] = ""

# A shell tells what it starts in the background to ignore Ctrl-C, which is what some tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

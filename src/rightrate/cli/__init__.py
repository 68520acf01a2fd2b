"""The command line: `rightrate find | tasks | doctor`."""

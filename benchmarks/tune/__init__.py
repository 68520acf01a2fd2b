"""Does population-based training decay its rates too early, and what helps?"""

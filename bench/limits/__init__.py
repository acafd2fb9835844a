"""A simulator of the rate limiter: its real code on a virtual clock, against models of limited accounts."""

"""How fast is it: a mock vendor, callers, a plain relay to compare with, and the program that runs them."""

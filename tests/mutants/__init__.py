"""Mutants: the code with one small mistake in it, which the tests of that code must find.

``operators`` makes them from a module's source, ``scope`` says which modules and which tests, ``worker`` runs the tests
in a copy of the checkout, ``run`` draws mutants by seed and counts those that no test finds. ``explained.txt`` lists the
mutants that may survive, each with its reason.
"""

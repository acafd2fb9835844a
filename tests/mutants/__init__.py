"""Mutants: the code with one small mistake, which the tests of that code must detect.

``operators`` creates them from a module's source, ``scope`` lists the modules and their tests, ``worker`` runs the tests in
a copy of the checkout, ``run`` draws mutants by seed and counts those that no test detects. ``explained.txt`` lists the
mutants that may survive, each with its reason.
"""

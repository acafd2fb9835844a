"""``banjia explain``: what a request becomes at each target."""

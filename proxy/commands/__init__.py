"""What the commands do, each as data first and as lines for a terminal second."""

"""The work of the commands. Each module returns data, and formats it as lines for a terminal."""

"""The store in the memory of this process. What it holds ends with the process."""

"""Features that banjia emulates, with the official SDK."""

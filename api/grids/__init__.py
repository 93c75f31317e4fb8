"""The tree of grids, the people who serve in it, and the posts that make somebody answerable."""

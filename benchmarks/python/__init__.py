"""What the experiments on the Python artifact run, most of it in the Python of its rivals."""

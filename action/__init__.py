"""What the action runs besides the program itself."""

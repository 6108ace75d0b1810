"""What will be done with each cell, why, and how long it will take. Pure."""

"""The cases of K7, and what they need."""

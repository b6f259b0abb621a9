"""The cases of K9, and what they need."""

"""The pure part: values in, values out. No clock, no chance, no files, no environment."""

"""The code behind an address. Backends know the core and the ports, and nothing of one another."""

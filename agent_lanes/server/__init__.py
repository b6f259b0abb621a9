"""HTTP: a thin layer over the services."""

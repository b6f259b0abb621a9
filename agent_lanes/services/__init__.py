"""What a caller can do with a queue. Services talk to ports only; every door (CLI, HTTP, Python) calls them."""

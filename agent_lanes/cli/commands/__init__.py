"""One module a command: what it takes, what it says about itself, what it does."""

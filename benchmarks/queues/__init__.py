"""The queues that this one is measured beside."""

"""Damage to a store: the store that is damaged, the kinds of damage, and the judge of what commands make of it."""

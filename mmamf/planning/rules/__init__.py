"""The rules of a plan: each takes the facts that it needs, and returns a choice with its reason."""

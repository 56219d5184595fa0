"""Clients of releases past, each written against what was documented then, and never changed since."""

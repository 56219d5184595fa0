"""The log: bounded, ordered changes, one entry for each change of one application.

An offset counts entries; an epoch is the time in which offsets can be trusted. Here is memory; other logs keep the same
promises. Nothing here knows views, or what is in a document.
"""

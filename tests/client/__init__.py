"""The client library: its package, its types, its fold against ours, how it behaves under Node and in a browser."""

"""Runs on a Ray cluster: the crew of machines that share a disk; needs the extra `skiprun[ray]`."""

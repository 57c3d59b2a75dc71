"""What `make bench` runs: `run.py` is the beginning."""

"""Images in tar shards, decoded when they are read."""

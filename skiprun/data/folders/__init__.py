"""Images and masks in folders, decoded once."""

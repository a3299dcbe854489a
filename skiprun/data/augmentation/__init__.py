"""Random changes of whole batches, on the device."""

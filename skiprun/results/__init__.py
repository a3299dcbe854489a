"""What run directories say: records, groups over seeds, statistics, protocol."""

"""Rules, snapshots and diffs that keep a flow as it is."""

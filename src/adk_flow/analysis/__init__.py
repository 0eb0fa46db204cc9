"""What a flow log says: moves, metrics, critical path, findings, visibility."""

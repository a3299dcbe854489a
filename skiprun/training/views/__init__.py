"""Views of a run while it trains: TensorBoard, depth maps, overlays."""

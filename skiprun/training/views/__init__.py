"""What people look at while a network trains: TensorBoard, depth maps, overlays."""

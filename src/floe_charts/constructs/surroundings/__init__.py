"""What stands around the parts, made from what they declare."""

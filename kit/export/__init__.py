"""What passed a check, written for others: files, an image layout, digest pins."""

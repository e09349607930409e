"""What the checking host trusts before it opens a pack."""

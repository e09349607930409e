"""The kit beside the tools of the field: registries, skopeo, crane, oras, cosign, gh and more."""

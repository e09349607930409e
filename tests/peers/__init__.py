"""The kit beside the field's own tools: real registries, skopeo, crane, oras, cosign."""

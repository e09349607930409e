"""The lab, judged by sigstore-python and by hand."""

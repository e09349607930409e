"""One module a kind of evidence. Each raises, or returns a claim; none writes a finding.

Only this package makes a :class:`kit.model.Claim`.
"""

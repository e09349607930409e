"""The evidence pack: one plain tar whose every byte follows from its first member.

``names`` and ``roster`` say which members there may be, ``ustar`` what a header is,
``layout`` what the whole file must be. ``writer`` writes exactly that, ``reader`` demands
exactly that, ``diagnose`` says what is there instead. bundles/FORMAT.md is the
specification; this package is one implementation of it.
"""

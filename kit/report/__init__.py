"""A report as text and as JSON. Every renderer reads only the :class:`kit.model.Report`."""

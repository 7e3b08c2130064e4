"""Pictures of the real terminal, for documents: recorded, then drawn as SVG."""

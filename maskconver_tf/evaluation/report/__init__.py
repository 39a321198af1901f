"""`maskconver report`: a page that shows scores, why they are what they are, and every picture."""

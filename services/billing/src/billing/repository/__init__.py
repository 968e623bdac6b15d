"""What billing keeps: documents to models and back."""

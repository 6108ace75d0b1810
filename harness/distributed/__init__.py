"""What a model that is split over ranks is made of: torch's own parallel parts, put together."""

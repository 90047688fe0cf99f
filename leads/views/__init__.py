"""The pages of people and of one lead."""

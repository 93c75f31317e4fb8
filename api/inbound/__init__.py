"""What other systems tell of people and ask about them, item by item, once and in order."""

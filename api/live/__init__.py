"""What has just happened, told to those whom it concerns while they listen."""

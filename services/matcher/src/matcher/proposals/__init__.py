"""What the matcher suggests where names are not equal: candidates, their probability, and the reasons."""

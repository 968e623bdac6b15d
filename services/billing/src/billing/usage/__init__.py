"""Usage lines: from what is known of an account group to counts, classes, money and evidence."""

"""What both sides have: accounts, services and products as last observed, with their integrations."""

"""ConnectWise PSA's REST API 3.0 as seen by one API member of one company."""

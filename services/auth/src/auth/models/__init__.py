"""What auth is about: integrations, the credentials behind them, people and their tokens. Pure."""

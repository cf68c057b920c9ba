"""An mTLS listener that enforces a trust store."""

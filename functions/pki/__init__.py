"""RFC 5280 and nothing else: bytes in, facts out. No boto3, no pydantic."""

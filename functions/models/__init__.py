"""Every JSON document of the workflow as a pydantic model."""

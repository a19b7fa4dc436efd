"""The operations as MCP tools, with prompts and resources."""

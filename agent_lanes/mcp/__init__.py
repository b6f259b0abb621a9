"""The queue as an MCP server: a few tools over the same services as the commands.

    arguments      is that what a tool takes? pure
    tools          the table of tools: name, description, schema, what it does
    calls          what each tool does, on a Desk: the queue of one call of `agent-lanes mcp`
    server         the official SDK: its only importer
    registration   how each agent is told of this server, by its own convention; pure

Specification: modelcontextprotocol.io, revisions 2025-06-18 to 2026-07-28; the SDK speaks all of them.
"""

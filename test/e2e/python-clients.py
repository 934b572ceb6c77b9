"""Tells the story of clients-story.ts with the official Python client and prints it as one line of JSON.

Usage: python-clients.py <url> <token> <mode> <senseless prompt> <refused tools as JSON>; mode is "legacy" or a stateless revision.
"""

import asyncio
import json
import sys

import httpx2
import mcp_types as types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

URL, TOKEN, MODE, SENSELESS_PROMPT, REFUSED_TOOLS = sys.argv[1:6]
KNOWN = {"name": "Alice", "color": "blue", "context": "a test"}
asked: list[str] = []


async def sample(_context, _params):
    asked.append("sampling/createMessage")
    return types.CreateMessageResult(
        role="assistant", content=types.TextContent(type="text", text="Paris"), model="none"
    )


async def elicit(_context, params):
    asked.append("elicitation/create")
    wanted = params.requested_schema.get("properties", {})
    return types.ElicitResult(action="accept", content={key: KNOWN[key] for key in wanted})


async def list_roots(_context):
    asked.append("roots/list")
    return types.ListRootsResult(roots=[types.Root(uri="file:///a-root", name="a root")])


async def text_of_tool(client, name, arguments=None):
    result = await client.call_tool(name, arguments or {})
    return result.content[0].text


async def meet_refusals(client, http):
    met = {}
    for check, tool in json.loads(REFUSED_TOOLS).items():
        if check == "intent":
            http.headers["x-intent-prompt"] = SENSELESS_PROMPT
        try:
            await client.call_tool(tool, {})
            seen = {"code": "not refused", "reason": None}
        except MCPError as error:
            seen = {"code": error.code, "reason": (error.data or {}).get("reason")}
        http.headers.pop("x-intent-prompt", None)
        met[check] = {**seen, "afterwards": await text_of_tool(client, "test_simple_text")}
    return met


async def tell(client, http):
    progress = []

    async def on_progress(done, _total, _message):
        progress.append(done)

    await client.call_tool("test_tool_with_progress", {}, progress_callback=on_progress)
    reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    completion = await client.complete(reference, {"name": "arg1", "value": "par"})
    prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
    return {
        "tools": [tool.name for tool in (await client.list_tools()).tools],
        "resources": [str(each.uri) for each in (await client.list_resources()).resources],
        "templates": [each.uri_template for each in (await client.list_resource_templates()).resource_templates],
        "prompts": [each.name for each in (await client.list_prompts()).prompts],
        "said": await text_of_tool(client, "test_simple_text"),
        "read": (await client.read_resource("test://static-text")).contents[0].text,
        "filled": (await client.read_resource("test://template/7/data")).contents[0].text,
        "prompted": prompt.messages[0].content.text,
        "completed": completion.completion.values,
        "progress": progress,
        "sampled": await text_of_tool(client, "test_sampling", {"prompt": "What is the capital of France?"}),
        "elicited": await text_of_tool(client, "test_input_required_result_elicitation"),
        "rooted": await text_of_tool(client, "test_input_required_result_list_roots"),
        "twice": await text_of_tool(client, "test_input_required_result_multi_round"),
        "askedPrompt": (await client.get_prompt("test_input_required_result_prompt")).messages[0].content.text,
        "asked": list(asked),
        "failed": (await client.call_tool("test_error_handling", {})).is_error,
        "refused": await meet_refusals(client, http),
    }


async def main():
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}, timeout=60) as http:
        client = Client(
            streamable_http_client(URL, http_client=http),
            mode=MODE,
            sampling_callback=sample,
            elicitation_callback=elicit,
            list_roots_callback=list_roots,
        )
        async with client:
            print(json.dumps(await tell(client, http)))


asyncio.run(main())

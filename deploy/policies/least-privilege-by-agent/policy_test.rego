package intentgate.policy_test

import data.intentgate.policy

agents := {
	"reader": {"tools": ["read_*"], "upstreams": ["files"], "cost_micros_per_call": 10},
	"payer": {
		"tools": ["transfer_funds", "read_balance"],
		"upstreams": ["bank"],
		"amount_max": 100,
		"cost_micros_per_call": 20,
	},
}

call(agent, upstream, tool, args) := {
	"action": "call",
	"agent_id": agent,
	"upstream": upstream,
	"tool": tool,
	"args": args,
}

cases := {
	"a granted tool": {"input": call("reader", "files", "read_file", {}), "rule": "granted"},
	"another tool": {"input": call("reader", "files", "write_file", {}), "rule": "not_granted"},
	"another upstream": {"input": call("reader", "bank", "read_file", {}), "rule": "not_granted"},
	"an unknown agent": {"input": call("stranger", "files", "read_file", {}), "rule": "not_granted"},
	"a transfer within the limit": {
		"input": call("payer", "bank", "transfer_funds", {"amount": 100}),
		"rule": "granted_up_to_amount",
	},
	"a transfer above the limit": {
		"input": call("payer", "bank", "transfer_funds", {"amount": 100.5}),
		"rule": "amount_above_grant",
	},
	"a transfer of a word": {
		"input": call("payer", "bank", "transfer_funds", {"amount": "100"}),
		"rule": "amount_above_grant",
	},
	"a transfer without amount": {
		"input": call("payer", "bank", "transfer_funds", {}),
		"rule": "amount_above_grant",
	},
	"a tool that moves no money": {"input": call("payer", "bank", "read_balance", {}), "rule": "granted"},
}

test_rule_of_a_call[name] if {
	some name, case in cases
	policy.decision.rule == case.rule with input as case.input with data.agents as agents
}

test_a_limited_tool_is_shown if {
	shown := object.union(call("payer", "bank", "transfer_funds", {}), {"action": "list"})
	policy.decision.allow with input as shown with data.agents as agents
}

test_the_cost_is_that_of_the_agent if {
	policy.decision.cost_micros == 10 with input as call("reader", "files", "read_file", {})
		with data.agents as agents
}

package intentgate.policy_test

import data.intentgate.policy

# Tool and arguments → the rule that must decide the call.
calls := {
	"a reading tool": {"tool": "read_invoice", "args": {}, "rule": "read_only"},
	"a reading tool with hyphens": {"tool": "get-tiny-image", "args": {}, "rule": "read_only"},
	"a list": {"tool": "list_vendors", "args": {"page": 1}, "rule": "read_only"},
	"a search": {"tool": "search_files", "args": {"query": "delete"}, "rule": "read_only"},
	"a name that only begins like reading": {"tool": "readjust", "args": {}, "rule": "default_deny"},
	"the bare verb": {"tool": "get", "args": {}, "rule": "default_deny"},
	"echo": {"tool": "echo", "args": {"message": "hello"}, "rule": "harmless"},
	"a long operation": {"tool": "trigger-long-running-operation", "args": {"duration": 1}, "rule": "harmless"},
	"an unknown tool": {"tool": "launch_rocket", "args": {}, "rule": "default_deny"},
	"an empty name": {"tool": "", "args": {}, "rule": "default_deny"},
	"the environment": {"tool": "get-env", "args": {}, "rule": "secrets"},
	"the environment, older name": {"tool": "printEnv", "args": {}, "rule": "secrets"},
	"a secret": {"tool": "read_secret", "args": {}, "rule": "secrets"},
	"a deletion": {"tool": "delete_file", "args": {}, "rule": "destructive"},
	"a deletion in capitals": {"tool": "DeleteFile", "args": {}, "rule": "destructive"},
	"a dropped table": {"tool": "drop_table", "args": {}, "rule": "destructive"},
	"a factory reset": {"tool": "factory-reset", "args": {}, "rule": "destructive"},
	"a purged audit": {"tool": "purge_audit", "args": {}, "rule": "destructive"},
	"a small transfer": {"tool": "transfer_funds", "args": {"amount": 10000}, "rule": "transfer"},
	"a small transfer in euro": {"tool": "transfer_funds", "args": {"amount_eur": 0.01}, "rule": "transfer"},
	"a large transfer": {"tool": "transfer_funds", "args": {"amount": 10000.01}, "rule": "transfer_above_ceiling"},
	"a large transfer beside a small one": {
		"tool": "transfer_funds",
		"args": {"amount": 1, "amount_eur": 99999},
		"rule": "transfer_above_ceiling",
	},
	"a transfer of nothing": {"tool": "transfer_funds", "args": {"amount": 0}, "rule": "transfer_amount"},
	"a transfer backwards": {"tool": "transfer_funds", "args": {"amount": -5}, "rule": "transfer_amount"},
	"a transfer of a word": {"tool": "transfer_funds", "args": {"amount": "5"}, "rule": "transfer_amount"},
	"a transfer of false": {"tool": "transfer_funds", "args": {"amount": false}, "rule": "transfer_amount"},
	"a transfer without amount": {"tool": "transfer_funds", "args": {"to": "NL01"}, "rule": "transfer_amount"},
	"a small sum": {"tool": "get-sum", "args": {"a": 1000000, "b": 2}, "rule": "read_only"},
	"a large sum": {"tool": "get-sum", "args": {"a": 1, "b": 1000001}, "rule": "sum_above_ceiling"},
	"a very negative sum": {"tool": "add", "args": {"a": -2000000, "b": 1}, "rule": "sum_above_ceiling"},
	"a sum of words": {"tool": "get-sum", "args": {"a": "x", "b": null}, "rule": "read_only"},
	"a file in the call": {
		"tool": "gzip-file-as-resource",
		"args": {"data": "data:text/plain,hi"},
		"rule": "harmless",
	},
	"a file from outside": {
		"tool": "gzip-file-as-resource",
		"args": {"data": "https://example.com/"},
		"rule": "reaches_outside",
	},
	"a file from the default place": {"tool": "gzip-file-as-resource", "args": {}, "rule": "reaches_outside"},
	"a granted role": {"tool": "grant_role", "args": {}, "rule": "changes_access"},
}

test_rule_of_a_call[name] if {
	some name, call in calls
	verdict := policy.decision with input as object.union({"action": "call"}, call)
	verdict.rule == call.rule
}

# Method and params → the rule that must decide it.
methods := {
	"a resource": {"method": "resources/read", "args": {"uri": "file:///reports/july.md"}, "rule": "read_only_method"},
	"a resource without address": {"method": "resources/read", "args": {}, "rule": "read_only_method"},
	"the environment": {"method": "resources/read", "args": {"uri": "file:///app/.env"}, "rule": "secrets"},
	"a secret": {"method": "resources/read", "args": {"uri": "vault://team/secrets/7"}, "rule": "secrets"},
	"news of a secret": {"method": "resources/subscribe", "args": {"uri": "x://SECRET-7"}, "rule": "secrets"},
	"news of a resource": {"method": "resources/subscribe", "args": {"uri": "x://1"}, "rule": "read_only_method"},
	"a prompt": {"method": "prompts/get", "args": {"name": "summary"}, "rule": "read_only_method"},
	"a completion": {"method": "completion/complete", "args": {}, "rule": "read_only_method"},
	"a completion of a secret": {"method": "completion/complete", "args": {"uri": "x://secret/"}, "rule": "secrets"},
	"the level of the log": {"method": "logging/setLevel", "args": {"level": "info"}, "rule": "read_only_method"},
	"changes": {"method": "subscriptions/listen", "args": {}, "rule": "read_only_method"},
	"the state of a task": {"method": "tasks/get", "args": {"taskId": "1"}, "rule": "read_only_method"},
	"a method of tomorrow": {"method": "files/erase", "args": {}, "rule": "default_deny"},
}

test_rule_of_a_method[name] if {
	some name, call in methods
	verdict := policy.decision with input as object.union({"action": "call", "tool": call.method}, call)
	verdict.rule == call.rule
}

test_a_tool_named_like_a_method_is_a_tool if {
	verdict := policy.decision with input as {
		"action": "call",
		"method": "tools/call",
		"tool": "resources/read",
		"args": {"uri": "x://1"},
	}
	verdict.rule == "default_deny"
}

test_a_resource_is_shown_if_it_may_be_read[uri] if {
	some uri, visible in {"file:///a.md": true, "file:///app/.env": false}
	asked := {"action": "list", "method": "resources/read", "tool": "resources/read", "args": {"uri": uri}}
	verdict := policy.decision with input as asked
	verdict.allow == visible
}

# Tool → whether it is shown.
shown := {
	"echo": true,
	"get-sum": true,
	"gzip-file-as-resource": true,
	"read_invoice": true,
	"transfer_funds": true,
	"grant_role": true,
	"get-env": false,
	"delete_file": false,
	"launch_rocket": false,
}

test_visibility_of_a_tool[tool] if {
	some tool, visible in shown
	verdict := policy.decision with input as {"action": "list", "tool": tool, "args": {}}
	verdict.allow == visible
}

test_an_escalation_says_why_and_what_it_costs if {
	verdict := policy.decision with input as {
		"action": "call",
		"tool": "transfer_funds",
		"args": {"amount": 50000},
	}
	verdict == {
		"allow": false,
		"escalate": true,
		"rule": "transfer_above_ceiling",
		"reason": "Transfers above 10000 need a person's approval.",
		"cost_micros": 5000,
	}
}

test_what_reaches_outside_needs_a_second_factor if {
	verdict := policy.decision with input as {"action": "call", "tool": "gzip-file-as-resource", "args": {}}
	verdict.allow
	verdict.requires_step_up
}

test_every_allowed_call_has_a_cost[name] if {
	some name, call in calls
	verdict := policy.decision with input as object.union({"action": "call"}, call)
	has_cost_if_allowed(verdict)
}

has_cost_if_allowed(verdict) if verdict.cost_micros > 0

has_cost_if_allowed(verdict) if {
	not verdict.allow
	not verdict.escalate
}

test_an_input_without_tool_is_denied if {
	verdict := policy.decision with input as {"action": "call", "args": {}}
	not verdict.allow
}

# Each agent may do what the table in data.json grants it and nothing else: tools (globs), upstreams, and a highest amount per call
# where there is one. The table is looked up by agent, so that its length costs nothing.
package intentgate.policy

default decision := {
	"allow": false,
	"rule": "not_granted",
	"reason": "The policy grants this agent neither this tool nor this upstream.",
}

decision := {
	"allow": false,
	"rule": "amount_above_grant",
	"reason": "The amount is missing, or above what the policy grants this agent.",
} if {
	granted
	limited
	not within_limit
}

decision := {"allow": true, "rule": "granted", "cost_micros": grant.cost_micros_per_call} if {
	granted
	not limited
}

decision := {"allow": true, "rule": "granted_up_to_amount", "cost_micros": grant.cost_micros_per_call} if {
	granted
	limited
	within_limit
}

grant := data.agents[input.agent_id]

granted if {
	input.upstream in grant.upstreams
	some pattern in grant.tools
	glob.match(pattern, null, input.tool)
}

# A limit counts for the tools that move money, and only when there are arguments to judge.
limited if {
	grant.amount_max
	startswith(input.tool, "transfer_")
	input.action == "call"
}

within_limit if {
	is_number(input.args.amount)
	input.args.amount > 0
	input.args.amount <= grant.amount_max
}

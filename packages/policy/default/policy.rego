# The policy that a fresh tenant starts with. What only reads may run, resources and prompts included; money and large sums need a person above a ceiling; what
# reaches outside needs a fresh second factor; what destroys or leaks is refused; and so is everything that no rule names.
#
# The rules of `decision` are tried from top to bottom, and the first that holds decides. Its name stands in the audit event.
# When Postern asks whether a tool may be shown at all, `input.action` is "list" and there are no arguments yet: a tool that only
# some arguments forbid stays visible.
package intentgate.policy

read_cost_micros := 1000

transfer_cost_micros := 5000

# Largest transfer, and largest number in a sum, that needs no approval.
transfer_ceiling := 10000

sum_ceiling := 1000000

decision := denied("secrets", "This tool could reveal secrets, such as passwords in environment variables.") if {
	leaks_secrets
} else := denied("destructive", "Tools that destroy things are not for agents; ask a person to do it.") if {
	destructive
} else := allowed("read_only_method", read_cost_micros) if {
	input.method in read_only_methods
} else := denied("transfer_amount", "A transfer must state one or more amounts, each a number above zero.") if {
	input.tool == "transfer_funds"
	not listing
	not amounts_stated
} else := escalated("transfer_above_ceiling", "Transfers above 10000 need a person's approval.", transfer_cost_micros) if {
	input.tool == "transfer_funds"
	some amount in amounts
	amount > transfer_ceiling
} else := allowed("transfer", transfer_cost_micros) if {
	input.tool == "transfer_funds"
} else := escalated("sum_above_ceiling", "Sums of numbers above 1000000 need a person's approval.", read_cost_micros) if {
	input.tool in {"get-sum", "add"}
	some addend in addends
	is_number(addend)
	abs(addend) > sum_ceiling
} else := with_step_up(allowed("reaches_outside", read_cost_micros)) if {
	input.tool == "gzip-file-as-resource"
	not holds_its_data
} else := with_step_up(allowed("changes_access", read_cost_micros)) if {
	words[0] in {"grant", "revoke", "rotate"}
} else := allowed("read_only", read_cost_micros) if {
	count(words) > 1
	words[0] in {"fetch", "get", "list", "read", "search"}
} else := allowed("harmless", read_cost_micros) if {
	input.tool in harmless_tools
} else := denied("default_deny", "No rule of the policy allows this tool.")

allowed(rule, cost_micros) := {"allow": true, "rule": rule, "cost_micros": cost_micros}

denied(rule, why) := {"allow": false, "rule": rule, "reason": why}

# The cost is charged when the call runs after all, once a person has approved it.
escalated(rule, why, cost_micros) := {
	"allow": false,
	"escalate": true,
	"rule": rule,
	"reason": why,
	"cost_micros": cost_micros,
}

with_step_up(verdict) := object.union(verdict, {
	"requires_step_up": true,
	"reason": "This tool needs a fresh second factor.",
})

listing if input.action == "list"

# Words of the tool's name: "read_file" and "get-env" have two.
words := split(replace(lower(input.tool), "-", "_"), "_")

leaks_secrets if {
	some word in words
	word in secret_words
}

leaks_secrets if lower(input.tool) == "printenv"

leaks_secrets if {
	some word in address_words
	word in secret_words
}

# Words of a resource's address: "file:///app/.env" has "env" among them.
address_words := split(
	strings.replace_n({"-": "_", "/": "_", ".": "_", ":": "_", "?": "_", "=": "_"}, lower(input.args.uri)),
	"_",
) if {
	input.method != "tools/call"
}

secret_words := {"credential", "credentials", "env", "password", "passwords", "secret", "secrets"}

destructive if startswith(lower(input.tool), "delete")

destructive if words[0] in {"destroy", "drop", "purge", "truncate", "wipe"}

destructive if words == ["factory", "reset"]

# Servers call it one or the other; where both are given, both count.
amounts := array.concat([a | a := input.args.amount], [a | a := input.args.amount_eur])

amounts_stated if {
	count(amounts) > 0
	every amount in amounts {
		is_number(amount)
		amount > 0
	}
}

addends := array.concat([a | a := input.args.a], [b | b := input.args.b])

# A data: URL brings its content along; any other, the default too, is fetched by the server.
holds_its_data if startswith(input.args.data, "data:")

holds_its_data if listing

# What lies beside tools and only tells or watches. A tool that is named like a method is none of these: its method is "tools/call".
read_only_methods := {
	"completion/complete", "logging/setLevel", "prompts/get", "resources/read", "resources/subscribe",
	"resources/unsubscribe", "subscriptions/listen", "tasks/get", "tasks/list", "tasks/result",
}

harmless_tools := {
	# Business tools of the classic demo.
	"record_in_ledger", "verify_vendor", "web_search",
	# @modelcontextprotocol/server-everything.
	"echo", "get-sum", "gzip-file-as-resource", "simulate-research-query", "toggle-simulated-logging",
	"toggle-subscriber-updates", "trigger-elicitation-request", "trigger-elicitation-request-async",
	"trigger-long-running-operation", "trigger-sampling-request", "trigger-sampling-request-async",
	"trigger-url-elicitation",
	# The same server, older releases.
	"add", "annotatedMessage", "getResourceLinks", "getResourceReference", "getTinyImage", "longRunningOperation",
	"sampleLLM", "structuredContent",
}

# Agents may read at any hour. What changes things waits for office hours, Monday to Friday in UTC, when people are there to
# notice; outside of them it needs a person's approval. The time comes in `input`, so that each decision can be replayed.
package intentgate.policy

# From the first hour up to, but not including, the second.
office_hours := {"from": 8, "until": 18}

saturday := 6

sunday := 0

default decision := {
	"allow": false,
	"escalate": true,
	"rule": "outside_office_hours",
	"reason": "Outside office hours (Monday to Friday, 08:00 to 18:00 UTC) this tool needs a person's approval.",
	"cost_micros": 1000,
}

decision := {"allow": true, "rule": "reading", "cost_micros": 100} if reading

decision := {"allow": true, "rule": "office_hours", "cost_micros": 1000} if {
	not reading
	office_is_open
}

# Whether a tool is shown does not depend on the hour.
decision := {"allow": true, "rule": "shown"} if {
	not reading
	not office_is_open
	input.action == "list"
}

reading if {
	some verb in ["get", "list", "read", "search"]
	some hyphen in ["-", "_"]
	startswith(input.tool, concat("", [verb, hyphen]))
}

office_is_open if {
	not input.time.weekday in {saturday, sunday}
	input.time.hour >= office_hours.from
	input.time.hour < office_hours.until
}

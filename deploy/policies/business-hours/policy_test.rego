package intentgate.policy_test

import data.intentgate.policy

call(tool, weekday, hour) := {
	"action": "call",
	"tool": tool,
	"args": {},
	"time": {"weekday": weekday, "hour": hour, "minute": 59},
}

cases := {
	"reading on a Sunday night": {"input": call("read_file", 0, 3), "rule": "reading"},
	"writing on a Monday morning": {"input": call("write_file", 1, 8), "rule": "office_hours"},
	"writing on a Friday before closing": {"input": call("write_file", 5, 17), "rule": "office_hours"},
	"writing too early": {"input": call("write_file", 1, 7), "rule": "outside_office_hours"},
	"writing at closing time": {"input": call("write_file", 5, 18), "rule": "outside_office_hours"},
	"writing on a Saturday": {"input": call("write_file", 6, 12), "rule": "outside_office_hours"},
	"a name that only begins like reading": {"input": call("readjust", 6, 12), "rule": "outside_office_hours"},
}

test_rule_of_a_call[name] if {
	some name, case in cases
	policy.decision.rule == case.rule with input as case.input
}

test_outside_office_hours_a_person_decides if {
	policy.decision.escalate with input as call("write_file", 6, 12)
	not policy.decision.allow with input as call("write_file", 6, 12)
}

test_tools_are_shown_at_any_hour if {
	policy.decision.allow with input as object.union(call("write_file", 6, 12), {"action": "list"})
}

test_without_a_time_the_office_is_closed if {
	not policy.decision.allow with input as {"action": "call", "tool": "write_file", "args": {}}
}

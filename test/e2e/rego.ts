// The policy of the end-to-end tests: small enough to read beside them.
export const POLICY = `package intentgate.policy

default decision := {"allow": false, "reason": "not listed", "rule": "default"}

decision := {"allow": true, "rule": "listed", "cost_micros": 1000} if {
	input.tool in {"record", "measure", "break", "progress", "transfer"}
	not large
}

decision := {"allow": false, "escalate": true, "reason": "a large amount", "rule": "large"} if large

large if {
	input.tool == "transfer"
	input.args.amount > 1000
}
`;

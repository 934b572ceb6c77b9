-- Pages of one tool's, one agent's, or all refused calls are found in the chain's order, however long the chain is. Allowed calls are most of
-- them, so no index is needed to find those.
create index audit_events_by_tool on audit_events (tenant, tool, idx);

create index audit_events_by_agent on audit_events (tenant, agent_id, idx);

create index audit_events_by_decision on audit_events (tenant, decision, idx) where decision <> 'allow';

// Rules of the extractor that works out of the box: enough for the demonstration and as a pattern for one's own.

export interface IntentRule {
  /** Words or phrases, lower case; any one of them suffices. */
  readonly when: readonly string[];
  /** Exact names of the tools that they call for. */
  readonly tools: readonly string[];
}

export const DEFAULT_RULES: readonly IntentRule[] = [
  { when: ["invoice", "invoices"], tools: ["read_invoice", "list_invoices"] },
  { when: ["pay", "payment", "payments", "transfer"], tools: ["read_invoice", "transfer_funds"] },
  {
    when: ["reconcile", "reconciliation"],
    tools: ["list_invoices", "read_invoice", "read_ledger", "record_in_ledger"],
  },
  { when: ["research", "search", "look up"], tools: ["web_search", "fetch_page"] },
  // Tools of the public demonstration server, @modelcontextprotocol/server-everything.
  { when: ["echo", "repeat"], tools: ["echo"] },
  { when: ["add", "sum"], tools: ["get-sum"] },
  { when: ["image", "picture"], tools: ["get-tiny-image"] },
];

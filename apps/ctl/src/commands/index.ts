import type { Command } from "../command.ts";
import { approvals, approvalsApprove, approvalsReject, approvalsShow } from "./approvals.ts";
import { attenuate } from "./attenuate.ts";
import { auditExport } from "./audit-export.ts";
import { auditVerify } from "./audit-verify.ts";
import { call } from "./call.ts";
import { haltEngage, haltList, haltRelease } from "./halt.ts";
import { inspect } from "./inspect.ts";
import { issuers, issuersApply, issuersExplain, issuersRemove } from "./issuers.ts";
import { keys } from "./keys.ts";
import { mint } from "./mint.ts";
import {
  operators,
  operatorsAdd,
  operatorsIssue,
  operatorsRemove,
  operatorsRevoke,
  operatorsRoles,
  operatorsTokens,
  whoami,
} from "./operators.ts";
import { policyCheck } from "./policy-check.ts";
import { policyDryRun } from "./policy-dry-run.ts";
import { policyHistory, policyRollback } from "./policy-history.ts";
import { policyPromote } from "./policy-promote.ts";
import { policyApprove, policyProposals, policyReject } from "./policy-proposals.ts";
import { policyRollout } from "./policy-rollout.ts";
import { policyTest } from "./policy-test.ts";
import { revoke } from "./revoke.ts";
import { tenants } from "./tenants.ts";
import { tools, toolsApprove, toolsDiff, toolsMode, toolsQuarantine } from "./tools.ts";
import { upstreams, upstreamsAdd, upstreamsRemove, upstreamsSet } from "./upstreams.ts";

/** Every command, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  mint,
  attenuate,
  inspect,
  revoke,
  approvals,
  approvalsShow,
  approvalsApprove,
  approvalsReject,
  haltList,
  haltEngage,
  haltRelease,
  call,
  policyCheck,
  policyTest,
  policyDryRun,
  policyPromote,
  policyRollout,
  policyHistory,
  policyRollback,
  policyProposals,
  policyApprove,
  policyReject,
  auditVerify,
  auditExport,
  issuers,
  issuersApply,
  issuersRemove,
  issuersExplain,
  tools,
  toolsDiff,
  toolsApprove,
  toolsQuarantine,
  toolsMode,
  upstreams,
  upstreamsAdd,
  upstreamsSet,
  upstreamsRemove,
  operators,
  operatorsAdd,
  operatorsRoles,
  operatorsRemove,
  operatorsIssue,
  operatorsTokens,
  operatorsRevoke,
  whoami,
  keys,
  tenants,
];

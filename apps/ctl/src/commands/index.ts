import type { Command } from "../command.ts";
import { attenuate } from "./attenuate.ts";
import { auditExport } from "./audit-export.ts";
import { auditVerify } from "./audit-verify.ts";
import { call } from "./call.ts";
import { inspect } from "./inspect.ts";
import { issuers, issuersApply, issuersExplain, issuersRemove } from "./issuers.ts";
import { keys } from "./keys.ts";
import { mint } from "./mint.ts";
import { policyCheck } from "./policy-check.ts";
import { policyPromote } from "./policy-promote.ts";
import { policyTest } from "./policy-test.ts";
import { revoke } from "./revoke.ts";
import { tenants } from "./tenants.ts";
import { tools, toolsApprove, toolsDiff, toolsMode, toolsQuarantine } from "./tools.ts";

/** Every command, in the order of the help text. */
export const COMMANDS: readonly Command[] = [
  mint,
  attenuate,
  inspect,
  revoke,
  call,
  policyCheck,
  policyTest,
  policyPromote,
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
  keys,
  tenants,
];

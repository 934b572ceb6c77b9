// The description of the interface: an OpenAPI document of every row of every door. Nothing has to run for it, so that the types of the client
// are made from the same rows as the answers.
import { AuditEvent, ChainEntry } from "@postern/contracts";
import { openapi } from "@postern/surface";
import { VERSION } from "../version.ts";
import { adminFace, adminRows } from "./admin/surface.ts";
import { FailureBody } from "./failure.ts";
import { fleetFace, sidecarRows } from "./fleet/surface.ts";
import { browserLoginRows } from "./login/login.ops.ts";
import { loginFace } from "./login/surface.ts";
import { operationsFace, operationsRows } from "./operations/surface.ts";

/** OpenAPI 3.1 as plain JSON. */
export function interfaceDocument() {
  return openapi({
    info: { title: "Postern control plane", version: VERSION },
    // Relative to where the document was fetched from.
    servers: [{ url: "/" }],
    surfaces: [
      { door: adminFace, rows: adminRows },
      { door: loginFace, rows: browserLoginRows },
      { door: fleetFace, rows: sidecarRows },
      { door: operationsFace, rows: operationsRows },
    ],
    schemas: { AuditEvent, ChainEntry, Failure: FailureBody },
  });
}

// The certificate and key that the listener serves with, and word of new ones. Files are looked at now and then instead of watched: a mounted
// Secret changes by a swap of links, which watchers miss. A pair that does not fit together is never used.
import { X509Certificate } from "node:crypto";
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createSecureContext } from "node:tls";
import { Fault, toFault } from "@postern/fault";

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** ISO 8601. */
  readonly validTo: string;
}

/** @throws Fault invalid "certificate.invalid": a file that cannot be read, or a key that is not the certificate's. */
export function readCertificate(files: CertificateFiles): Certificate {
  try {
    const [cert, key] = [readFileSync(files.certificate, "utf8"), readFileSync(files.key, "utf8")];
    createSecureContext({ cert, key });
    return { cert, key, validTo: new X509Certificate(cert).validToDate.toISOString() };
  } catch (caught) {
    const problem = `The certificate ${files.certificate} and the key ${files.key} cannot be used together.`;
    const detail = toFault(caught).detail;
    throw new Fault("invalid", "certificate.invalid", problem, {
      cause: caught,
      ...(detail !== undefined && { detail }),
    });
  }
}

/** Looks every `everyMs`, and hands over each pair that is new and usable; a pair that is not goes to `onTrouble`. Returns the end of it. */
export function followCertificate(
  files: CertificateFiles,
  everyMs: number,
  onChange: (certificate: Certificate) => void,
  onTrouble: (caught: unknown) => void,
): () => void {
  const look = () => {
    try {
      onChange(readCertificate(files));
    } catch (caught) {
      onTrouble(caught);
    }
  };
  const paths = [files.certificate, files.key];
  for (const path of paths) watchFile(path, { interval: everyMs, persistent: false }, look);
  return () => {
    for (const path of paths) unwatchFile(path, look);
  };
}

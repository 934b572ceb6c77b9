// The version that this process reports, read from its own package so that it is written once.
import manifest from "../package.json" with { type: "json" };

export const VERSION: string = manifest.version;

// Less of what comes from others, so that a program at rest is small. Front doors bring all that a package has; these are the rooms that we
// use. What is imported of such a package beyond its lines here fails the build, and then belongs here.
import type { Plugin } from "esbuild";

const ROOMS: Readonly<Record<string, string>> = {
  undici: `
    import Dispatcher from "undici/lib/dispatcher/dispatcher.js";
    import api from "undici/lib/api/index.js";
    Object.assign(Dispatcher.prototype, api);
    export { default as Agent } from "undici/lib/dispatcher/agent.js";
    export { default as Pool } from "undici/lib/dispatcher/pool.js";
    export const request = (url, { dispatcher, method = "GET", ...options }) => {
      const { origin, pathname, search } = new URL(url);
      return dispatcher.request({ ...options, method, origin, path: pathname + search });
    };`,
  "prom-client": `
    export { default as Counter } from "prom-client/lib/counter.js";
    export { default as Gauge } from "prom-client/lib/gauge.js";
    export { default as Histogram } from "prom-client/lib/histogram.js";
    export { default as Registry } from "prom-client/lib/registry.js";
    export { default as collectDefaultMetrics } from "prom-client/lib/defaultMetrics.js";`,
};

/** Our pools speak HTTP/1.1 only (`allowH2: false`), and this part of undici loads node:http2. */
const NEVER_REACHED = /[\\/]undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/;

/** In the sources, zod is one object. As a namespace it is taken apart, and what nobody names is left out. */
export const zodByName = (text: string): string =>
  text.replace('import { z } from "zod";', 'import * as z from "zod";');

export const leanPackages: Plugin = {
  name: "lean-packages",
  setup(build) {
    const names = new RegExp(`^(?:${Object.keys(ROOMS).join("|")})$`);
    build.onResolve({ filter: names }, ({ path, importer, resolveDir }) =>
      importer.includes("node_modules")
        ? undefined
        : { path, namespace: "rooms", pluginData: resolveDir, sideEffects: false },
    );
    build.onLoad({ filter: /./, namespace: "rooms" }, ({ path, pluginData }) => ({
      contents: ROOMS[path] ?? "",
      resolveDir: pluginData,
    }));
    build.onLoad({ filter: NEVER_REACHED }, () => ({
      contents: `module.exports = () => { throw new Error("this program has no HTTP/2"); };`,
    }));
  },
};

/**
 * Node's own modules, taken as they are. An import reads every export of one, and some of those load what nobody here uses: those of node:http
 * load fetch and WebSocket, 11 MB at rest.
 */
export const leanNode: Plugin = {
  name: "lean-node",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "node" } : undefined,
    );
    build.onLoad({ filter: /./, namespace: "node" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

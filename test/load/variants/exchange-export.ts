// A variant is the real sidecar with one part exchanged while it is loaded: what the sidecar imports from a package stays as it is, but for
// the one export that the variant brings. So the product needs no switch for what it should never do.
import { registerHooks } from "node:module";

const MARK = "?exchanged";

/** From now on the sidecar's `import { name } from specifier` gives the export `name` of `replacement`. */
export function exchangeExport(specifier: string, name: string, replacement: URL): void {
  registerHooks({
    resolve(asked, context, next) {
      const resolved = next(asked, context);
      const isSidecars = /\/apps\/sidecar\/src\//.test(context.parentURL ?? "");
      return asked === specifier && isSidecars
        ? { ...resolved, url: resolved.url + MARK, format: "module" }
        : resolved;
    },
    load(url, context, next) {
      if (!url.endsWith(MARK)) return next(url, context);
      // An export that is named goes before one of the same name under a star.
      const real = `export * from ${JSON.stringify(url.slice(0, -MARK.length))};`;
      const own = `export { ${name} } from ${JSON.stringify(replacement.href)};`;
      return { format: "module", source: `${real}\n${own}`, shortCircuit: true };
    },
  });
}

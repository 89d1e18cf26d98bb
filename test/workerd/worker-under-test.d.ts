/** Gives `exports.default` of "cloudflare:workers" the type of the Worker's entry. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../../src/worker.ts");
  }
}

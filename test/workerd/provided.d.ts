import "vitest";

/** What global-setup.ts hands from Node to the tests in workerd. */
declare module "vitest" {
  interface ProvidedContext {
    workerBindings: Record<string, string>;
    /** The local stack; its control routes stand under `/_stack`. */
    stackUrl: string;
    /** An MCP server of somebody else's, which has one tool. */
    remoteMcpUrl: string;
  }
}

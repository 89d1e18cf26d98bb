/** An `AbortController` that is only made when somebody asks for its signal: most steps do not, and it costs more than the rest of a step's bookkeeping. */
export interface LazyAbort {
  readonly signal: AbortSignal;
  /** The first reason counts. */
  abort(reason: unknown): void;
}

export function createLazyAbort(): LazyAbort {
  let controller: AbortController | undefined;
  let aborted: { readonly reason: unknown } | undefined;
  return {
    get signal() {
      controller ??= new AbortController();
      if (aborted !== undefined) controller.abort(aborted.reason);
      return controller.signal;
    },
    abort(reason) {
      aborted ??= { reason };
      controller?.abort(aborted.reason);
    },
  };
}

/** What several sources yield, in the order in which it comes. A source that returns `"end"` ends them all; one that throws does, too. */
export interface MergedItems<Item> extends AsyncIterable<Item> {
  add(source: AsyncGenerator<Item, "end" | void, undefined>): void;
}

export function mergeItems<Item>(first: AsyncGenerator<Item, "end" | void, undefined>): MergedItems<Item> {
  type Source = AsyncGenerator<Item, "end" | void, undefined>;
  const pending = new Map<Source, Promise<{ source: Source; result: IteratorResult<Item, "end" | void> }>>();

  function pull(source: Source): void {
    const next = source.next().then((result) => ({ source, result }));
    // A source that nobody reads any more may still fail.
    next.catch(() => undefined);
    pending.set(source, next);
  }

  pull(first);
  return {
    add: pull,
    async *[Symbol.asyncIterator]() {
      while (pending.size > 0) {
        const { source, result } = await Promise.race(pending.values());
        pending.delete(source);
        if (result.done === true) {
          if (result.value === "end") return;
          continue;
        }
        pull(source);
        yield result.value;
      }
    },
  };
}

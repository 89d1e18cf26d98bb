/** Says what texts mean, as vectors: texts that mean nearly the same get vectors that point nearly the same way. */
export interface Embedder {
  /** The model, with whatever else decides what its numbers mean. Vectors of different models cannot be compared. */
  readonly model: string;
  /**
   * One vector for each text, in their order, all of one length. At most `limits.embeddingBatchMax` texts. 1 subrequest, never repeated.
   *
   * @throws the reason of `signal` once it is aborted.
   * @throws model_unavailable, model_rate_limited (retry) when the provider fails, or is too slow.
   * @throws model_rejected, model_garbled (park) when it refuses, or answers something else.
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<number[][]>;
}

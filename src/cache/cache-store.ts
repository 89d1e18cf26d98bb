/** Where all isolates keep what need not be asked twice. */
export interface CachePlace {
  /** Whose it is; erased with the user. Nobody's in particular without it. */
  readonly owner?: string;
  /** See `isCacheName`. */
  readonly name: string;
  /** Of the same owner; each is one more way to invalidate it. */
  readonly tags?: readonly string[];
}

export interface StoredText {
  /** As it was put; `undefined` for nothing, and for what cannot be read any more. */
  readonly text: string | undefined;
  /** Stands for all invalidations of the place's tags: what was put under another one counts for nothing. */
  readonly stamp: string;
}

export interface CacheStore {
  /** 1 billed command. */
  read(place: CachePlace): Promise<StoredText>;
  /** Asks to be the one who computes, and reads afterwards. 2 billed commands in 1 round trip. */
  claim(place: CachePlace, token: string, leaseMs: number): Promise<StoredText & { readonly isMine: boolean }>;
  /** Puts the text and ends the claim; nothing where the claim is over or was taken away. 4 billed commands, else 2. */
  complete(place: CachePlace, token: string, text: string, ttlMs: number): Promise<boolean>;
  /** Ends the claim without a text. 3 billed commands, else 2. */
  release(place: CachePlace, token: string): Promise<void>;
  /** Whoever computes it now does so for nothing. 2 billed commands in 1 round trip. */
  put(place: CachePlace, text: string, ttlMs: number): Promise<void>;
  /** The same without a text. 1 billed command. */
  forget(place: CachePlace): Promise<void>;
  /** @param keepMs longer than any text of the tag lives, the time of its computing included. 1 billed command. */
  forgetTag(tag: Pick<CachePlace, "owner"> & { readonly tag: string }, keepMs: number): Promise<void>;
}

/** Of places and tags: 1 to 256 characters, none of which means something in a key. */
export function isCacheName(name: string): boolean {
  return /^[A-Za-z0-9_.%-]{1,256}$/.test(name);
}

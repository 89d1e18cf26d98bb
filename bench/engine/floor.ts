/** The least that a durable run over Redis by HTTP has to do: take a lease, append each step, give the lease back. No fencing, no retry, no events. */
export interface FloorRedis {
  readonly url: string;
  readonly token: string;
}

const leaseMs = 30_000;

export async function runFloor({ url, token }: FloorRedis, steps: number): Promise<number> {
  async function command(...parts: readonly (string | number)[]): Promise<void> {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(parts),
    });
    const { error } = (await response.json()) as { error?: string };
    if (error !== undefined) throw new Error(error);
  }
  const id = crypto.randomUUID();
  let sum = 0;
  await command("HSET", `floor:${id}`, "status", "running", "leaseUntil", Date.now() + leaseMs);
  for (let step = 0; step < steps; step += 1) {
    sum += 1;
    await command("RPUSH", `floor:${id}:journal`, JSON.stringify({ step, value: sum, at: Date.now() }));
  }
  await command("HSET", `floor:${id}`, "status", "done");
  return sum;
}

/** Ours, over HTTP as a client uses it: a session, `POST /api/execute`, and an answer that waits for the first segment. */

/** A user may make 100 requests a minute. */
const sessionsCount = 120;
const waitSeconds = 25;

export interface StartedRun {
  readonly userId: string;
  readonly runId: string;
  /** After the first segment. */
  readonly status: string;
}

export interface Skipstone {
  start(definition: string, steps: number): Promise<StartedRun>;
}

interface Session {
  readonly userId: string;
  readonly cookie: string;
}

export async function openSkipstone(url: string): Promise<Skipstone> {
  const sessions: Session[] = [];
  for (let index = 0; index < sessionsCount; index += 1) sessions.push(await openSession(url, index));
  let next = 0;
  return {
    async start(definition, steps) {
      const { userId, cookie } = sessions[(next += 1) % sessions.length]!;
      const response = await fetch(`${url}/api/execute`, {
        method: "POST",
        headers: { "content-type": "application/json", prefer: `wait=${waitSeconds}`, cookie },
        body: JSON.stringify({ name: definition, input: { steps } }),
      });
      const body = (await response.json()) as { runId?: string; status?: string };
      if (body.runId === undefined) throw new Error(`the run was not started: ${JSON.stringify(body)}`);
      return { userId, runId: body.runId, status: body.status ?? "unknown" };
    },
  };
}

async function openSession(url: string, index: number): Promise<Session> {
  const response = await fetch(`${url}/api/sessions`, {
    method: "POST",
    headers: { "cf-connecting-ip": `10.0.${index >> 4}.${index & 15}` },
  });
  const cookie = response.headers.get("set-cookie")?.split(";")[0];
  const { userId } = (await response.json()) as { userId?: string };
  if (cookie === undefined || userId === undefined) throw new Error(`no session: ${response.status}`);
  return { userId, cookie };
}

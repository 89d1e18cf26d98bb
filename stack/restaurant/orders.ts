/** What a test may order the restaurants to do: to say no, or to act and be late with the answer. */
export interface RestaurantOrder {
  at: RestaurantPoint;
  /** What a refusal says; each point has words of its own. */
  reason?: string;
  /** Refuses nothing: what was asked for is done at once, and answered so much later on the stack's clock. */
  lateMs?: number;
  /** Only a call whose URL, key or body contains this text takes the order; others pass it by. */
  match?: string;
  /** How many calls take it; 1 by default. */
  times?: number;
}

/** A refused `search` finds nothing; all others are refused in words. */
export type RestaurantPoint = "search" | "reserve" | "release" | "charge" | "refund" | "notify";

interface Words {
  status: number;
  reason: string;
}

export const refusals: Record<Exclude<RestaurantPoint, "search">, Words> = {
  reserve: { status: 409, reason: "The table was taken by somebody else." },
  release: { status: 409, reason: "The table cannot be released any more." },
  charge: { status: 402, reason: "The card was declined." },
  refund: { status: 409, reason: "The deposit cannot be refunded any more." },
  notify: { status: 422, reason: "The guest cannot be reached." },
};

const points: readonly RestaurantPoint[] = ["search", "reserve", "release", "charge", "refund", "notify"];
const fields = { at: "string", reason: "string", lateMs: "number", match: "string", times: "number" } as const;

/** Reads one order or a list of them. @throws Error in words at the first mistake. */
export function parseOrders(body: unknown): RestaurantOrder[] {
  return (Array.isArray(body) ? body : [body]).map(parseOrder);
}

function parseOrder(value: unknown): RestaurantOrder {
  if (typeof value !== "object" || value === null) throw new Error("an order must be an object");
  const order = value as Record<string, unknown>;
  for (const [name, field] of Object.entries(order)) {
    const wanted = fields[name as keyof typeof fields];
    if (wanted === undefined) throw new Error(`unknown field ${name}; an order has ${Object.keys(fields).join(", ")}`);
    if (typeof field !== wanted) throw new Error(`${name} must be of type ${wanted}`);
  }
  if (!points.includes(order["at"] as RestaurantPoint)) throw new Error(`at must be one of ${points.join(", ")}`);
  const times = order["times"];
  if (times !== undefined && !(Number.isInteger(times) && Number(times) >= 1))
    throw new Error("times must be 1 or more");
  const lateMs = order["lateMs"];
  if (lateMs !== undefined && !(Number(lateMs) >= 0)) throw new Error("lateMs must be 0 or more");
  return order as unknown as RestaurantOrder;
}

export interface OrderBook {
  add(...orders: RestaurantOrder[]): void;
  /** Orders that no call has taken yet. */
  list(): RestaurantOrder[];
  /** The first order for this point that matches, to refuse or to be late; uses up one of its `times`. */
  take(what: "refuse" | "be-late", at: RestaurantPoint, subject: string): RestaurantOrder | undefined;
  clear(): void;
}

export function createOrderBook(): OrderBook {
  let orders: RestaurantOrder[] = [];
  return {
    add: (...added) => void orders.push(...added.map((order) => ({ ...order }))),
    list: () => orders.map((order) => ({ ...order })),
    take(what, at, subject) {
      const isMeant = ({ lateMs, match, ...order }: RestaurantOrder): boolean =>
        order.at === at && (lateMs !== undefined) === (what === "be-late") && subject.includes(match ?? "");
      const found = orders.find(isMeant);
      if (found === undefined) return undefined;
      const left = (found.times ?? 1) - 1;
      if (left <= 0) orders = orders.filter((order) => order !== found);
      else found.times = left;
      return found;
    },
    clear() {
      orders = [];
    },
  };
}

/** A port whose named methods go through `through`, in which they may be held up, lost, or have their answers lost. */
export function wrap<Port extends object>(
  port: Port,
  names: readonly (keyof Port)[],
  through: (name: string, effect: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>,
): Port {
  const wrapped = { ...port } as Record<keyof Port, unknown>;
  for (const name of names) {
    const method = port[name] as (...args: unknown[]) => Promise<unknown>;
    wrapped[name] = (...args: unknown[]) => through(String(name), () => method(...args), args);
  }
  return wrapped as Port;
}

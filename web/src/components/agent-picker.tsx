import { plainChat, type AgentChoice } from "../use-agent.ts";

/** Who answers the next message. */
export function AgentPicker({ agents, agentId, choose, isBusy }: AgentChoice & { isBusy: boolean }) {
  return (
    <label className="picker">
      <span className="visually-hidden">Who answers</span>
      <select value={agentId} disabled={isBusy} onChange={(event) => choose(event.target.value)}>
        <option value={plainChat}>Chat</option>
        {agents.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

import { anyAgent, plainChat } from "../use-agent.ts";
import { Logo } from "./icons.tsx";

const SUGGESTIONS = [
  { title: "Calculate something", text: "What is 17.5% of 2,480?" },
  { title: "Ask for the time", text: "What time is it in Tokyo?" },
  { title: "Have it remember", text: "Remember that I prefer metric units." },
  {
    title: "Have an agent plan and act",
    text: "Plan and execute a dinner reservation for four tomorrow.",
    agentId: anyAgent.id,
  },
];

export function EmptyState({ onPick }: { onPick: (text: string, agentId: string) => void }) {
  return (
    <section className="empty" aria-labelledby="empty-title">
      <Logo />
      <h2 id="empty-title">What can I do for you?</h2>
      <p>Close the laptop, lose the network, reload the page: the answer is still there.</p>
      <ul className="suggestions">
        {SUGGESTIONS.map((suggestion) => (
          <li key={suggestion.text}>
            <button
              type="button"
              className="suggestion"
              onClick={() => onPick(suggestion.text, suggestion.agentId ?? plainChat)}
            >
              <span className="suggestion-title">{suggestion.title}</span>
              <span>{suggestion.text}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

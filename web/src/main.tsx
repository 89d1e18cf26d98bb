import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import "./styles/tokens.css";
import "./styles/layout.css";
import "./styles/sidebar.css";
import "./styles/messages.css";
import "./styles/composer.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
// No StrictMode: its second mount in development would abort the stream that the first one just resumed.
createRoot(root).render(<App />);

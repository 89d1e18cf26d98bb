import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
// No StrictMode: its second mount in development would abort the stream that the first one just resumed.
createRoot(root).render(<App />);

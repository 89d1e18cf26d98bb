/** Draws how large the segments of a run became, one panel for each platform: the file docs/budget.svg. */
import type { PlayedSegment } from "./limited-platform.ts";

export interface Panel {
  readonly title: string;
  readonly segments: readonly PlayedSegment[];
  /** Steps that the platform lets a segment do, in order of time: from when on, and how many. */
  readonly bounds: readonly { readonly fromMs: number; readonly steps: number }[];
}

const width = 860;
const panelHeight = 190;
const margin = { top: 34, right: 20, bottom: 36, left: 52 };

const style = `
  text { font: 12px system-ui, sans-serif; fill: #3c4043; }
  .title { font-weight: 600; font-size: 13px; }
  .axis { stroke: #9aa0a6; }
  .bound { stroke: #9aa0a6; stroke-dasharray: 4 4; fill: none; }
  .way { stroke: #1a73e8; stroke-opacity: .35; fill: none; }
  .lived { fill: #1a73e8; }
  .killed { stroke: #d93025; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #dadce0; }
    .way { stroke: #8ab4f8; }
    .lived { fill: #8ab4f8; }
    .killed { stroke: #f28b82; }
  }`;

export function drawBudget(panels: readonly Panel[]): string {
  const height = panelHeight * panels.length + 30;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d">`,
    `<title id="t">Steps per segment against time, on platforms whose limit the engine does not know</title>`,
    `<desc id="d">Each dot is a segment, each cross one that the platform killed. After a kill segments are halved, and grow again by one step each up to what had killed.</desc>`,
    `<style>${style}\n</style>`,
    ...panels.map((panel, index) => drawPanel(panel, index * panelHeight)),
    drawKey(height - 14),
    `</svg>`,
    "",
  ].join("\n");
}

function drawPanel({ title, segments, bounds }: Panel, topPx: number): string {
  const lastMs = Math.max(...segments.map(({ atMs }) => atMs));
  const mostSteps = Math.max(...segments.map(({ steps }) => steps), ...bounds.map(({ steps }) => steps)) * 1.08;
  const left = margin.left;
  const right = width - margin.right;
  const bottom = topPx + panelHeight - margin.bottom;
  const x = (ms: number): number => round(left + (ms / lastMs) * (right - left - 8));
  const y = (steps: number): number => round(bottom - (steps / mostSteps) * (panelHeight - margin.top - margin.bottom));
  const ends = bounds.map((_bound, index) => bounds[index + 1]?.fromMs ?? lastMs);
  return [
    `<text class="title" x="${left}" y="${topPx + 20}">${title}</text>`,
    `<path class="axis" d="M${left} ${topPx + margin.top}V${bottom}H${right}" fill="none"/>`,
    ...ticks(mostSteps).map(
      (steps) => `<text x="${left - 8}" y="${round(y(steps) + 4)}" text-anchor="end">${steps}</text>`,
    ),
    ...ticks(lastMs / 1_000).map(
      (seconds) => `<text x="${x(seconds * 1_000)}" y="${bottom + 16}" text-anchor="middle">${seconds} s</text>`,
    ),
    ...bounds.map(
      ({ fromMs, steps }, index) => `<path class="bound" d="M${x(fromMs)} ${y(steps)}H${x(ends[index]!)}"/>`,
    ),
    `<path class="way" d="M${segments.map(({ atMs, steps }) => `${x(atMs)} ${y(steps)}`).join("L")}"/>`,
    ...segments.map(({ atMs, steps, isKilled }) => drawSegment(x(atMs), y(steps), isKilled)),
  ].join("\n");
}

function drawSegment(x: number, y: number, isKilled: boolean): string {
  if (!isKilled) return `<circle class="lived" cx="${x}" cy="${y}" r="2.2"/>`;
  return `<path class="killed" d="M${round(x - 4)} ${round(y - 4)}l8 8m0 -8l-8 8"/>`;
}

function drawKey(y: number): string {
  return [
    `<circle class="lived" cx="${margin.left + 4}" cy="${y - 4}" r="2.2"/><text x="${margin.left + 14}" y="${y}">a segment</text>`,
    drawSegment(margin.left + 110, y - 4, true),
    `<text x="${margin.left + 120}" y="${y}">killed by the platform</text>`,
    `<path class="bound" d="M${margin.left + 280} ${y - 4}h26"/><text x="${margin.left + 312}" y="${y}">what the platform allows</text>`,
  ].join("\n");
}

/** About four round numbers from 0 on. */
function ticks(most: number): number[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_tick, index) => index * step);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

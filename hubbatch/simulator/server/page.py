"""The page at `/`: records, lists, apps, the last requests, and the windows.

It loads nothing from other hosts, and inserts data as text only, never as markup.
"""

from typing import Final


PATH: Final = "/"
STATE_PATH: Final = "/simulator/state"

HTML: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
 style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>HubSpot simulator</title><style>
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5a6775; --paper: #fff;
  --line: #d9dfe6; --panel: #f5f7f9; --good: #1a7f5a; --part: #9a6412; --bad: #c4372b;
  --main: #2f6fb0; --fill: #2f6fb033; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --soft: #a3afbb;
  --paper: #14191f; --line: #323b45; --panel: #1d242c; --good: #4cc38a; --part: #e0b155;
  --bad: #f2786d; --main: #6eaee8; --fill: #6eaee833; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 64rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; }
.soft { color: var(--soft); } .bad { color: var(--bad); } .good { color: var(--good); }
.part { color: var(--part); }
.missing { font-weight: 700; color: var(--paper); background: var(--bad);
  border-radius: .3rem; padding: 0 .4rem; margin-left: .4rem; white-space: nowrap; }
.windows, .stores { display: grid; gap: .7rem;
  grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
.stores { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  padding: .5rem .7rem; overflow-wrap: anywhere; }
.card { display: flex; flex-direction: column; }
.card b { font-size: 1.3rem; font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: 4rem; margin-top: auto; padding-top: .3rem; }
polygon { fill: var(--fill); } polyline { fill: none; stroke: var(--main);
  stroke-width: 2; vector-effect: non-scaling-stroke; }
line { stroke: var(--bad); stroke-dasharray: 6 4; vector-effect: non-scaling-stroke; }
table { border-collapse: collapse; table-layout: fixed; width: 100%;
  font-size: .92rem; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; overflow-wrap: anywhere;
  border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; } td { font-variant-numeric: tabular-nums; }
.ago, .status, .inputs { width: 4.6rem; white-space: nowrap; }
.inputs { text-align: right; padding-right: 0; }
@media (max-width: 40rem) { .ago, .status, .inputs { width: 3.6rem; } }
</style></head><body>
<h1>HubSpot simulator</h1><p class="soft" id="about">Loading</p>
<h2>Rate limit windows</h2><div class="windows" id="windows"></div>
<h2>Records</h2><div class="stores" id="stores"></div>
<section id="listed"><h2>Lists</h2><div class="stores" id="lists"></div></section>
<section id="installed"><h2>Public apps</h2><div class="stores" id="apps"></div>
</section>
<h2>The last requests</h2>
<table><thead><tr><th class="ago">Ago</th><th class="status">Status</th>
<th>Request</th><th class="inputs">Inputs</th></tr>
</thead><tbody id="requests"></tbody></table>
<script>
"use strict";
const $ = id => document.getElementById(id), past = new Map(), SHOWN = 120;
const make = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const draw = (name, attributes) => {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
  return shape;
};
const FAMILIES = {others: "other calls, in ten seconds",
  associations: "associations, in ten seconds", search: "searches, in a second",
  events: "custom events, in a second"};
const ago = seconds => seconds < 60 ? `${seconds.toFixed(1)} s`
  : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
  : `${Math.floor(seconds / 3600)} h`;
const count = number => number.toLocaleString("en");
const card = (figure, ...lines) => {
  const element = make("div", undefined, "card");
  element.append(make("b", figure), ...lines.map(line => make("span", line, "soft")));
  return element;
};
const windowCard = owner => window => {
  const key = `${window.portal} ${window.app} ${window.family}`;
  const seen = past.get(key) || [];
  seen.push(window.used);
  while (seen.length > SHOWN) seen.shift();
  past.set(key, seen);
  const element = card(`${count(window.used)} of ${count(window.limit)}`,
    FAMILIES[window.family] || window.family, ...owner(window));
  const top = Math.max(window.limit, ...seen, 1);
  const points = seen.map((used, n) =>
    `${SHOWN - seen.length + n},${64 - 60 * used / top}`).join(" ");
  const picture = draw("svg", {viewBox: `0 0 ${SHOWN - 1} 64`,
    preserveAspectRatio: "none", role: "img"});
  const y = 64 - 60 * window.limit / top;
  picture.append(
    draw("polygon", {points: `${SHOWN - seen.length},64 ${points} ${SHOWN - 1},64`}),
    draw("polyline", {points}), draw("line", {x1: 0, x2: SHOWN - 1, y1: y, y2: y}));
  element.append(picture);
  return element;
};
const emptyRow = () => {
  const row = make("tr"), cell = make("td", "None yet.", "soft");
  cell.colSpan = 4;
  row.append(cell);
  return row;
};
const pathCell = request => {
  const cell = make("td", request.method);
  request.path.split(/(?=[/])/).forEach((part, n) => cell.append(
    n ? make("wbr") : " ", part));
  if (!request.implemented)
    cell.append(" ", make("span", "not in the simulator", "missing"));
  return cell;
};
const requestRow = now => request => {
  const row = make("tr"), status = request.status === null ? "closed" : request.status;
  const fine = request.status !== null && request.status < 300;
  row.append(make("td", ago(now - request.at), "ago"),
    make("td", status, "status " + (request.status === 207 ? "part"
      : fine ? "good" : "bad")), pathCell(request),
    make("td", request.inputs === null ? "" : count(request.inputs), "inputs"));
  return row;
};
const show = state => {
  const portals = state.portals.length > 1, here = portal =>
    portals ? [`portal ${portal}`] : [];
  const ids = state.windows.map(window => window.app).filter(Boolean);
  const apps = new Set(ids).size > 1;
  const owner = window => [
    ...(apps ? [window.app ? `app ${window.app}` : "all apps"] : []),
    ...here(window.portal)];
  $("about").textContent = state.portals.map(portal =>
    `Portal ${portal.id}: ${count(portal.used)} of ` +
    `${portal.limit === null ? "any number of" : count(portal.limit)} calls today`
  ).join(". ") + ".";
  $("windows").replaceChildren(...state.windows.map(windowCard(owner)));
  const stores = state.portals.flatMap(portal => Object.entries(portal.records).map(
    ([name, records]) => card(count(records), name, ...here(portal.id))));
  $("stores").replaceChildren(
    ...(stores.length ? stores : [make("span", "None yet.", "soft")]));
  const lists = state.portals.flatMap(portal => portal.lists.map(list =>
    card(count(list.size), list.name, `list of ${list.type}`, ...here(portal.id))));
  $("listed").hidden = !lists.length;
  $("lists").replaceChildren(...lists);
  $("installed").hidden = !state.apps.length;
  $("apps").replaceChildren(...state.apps.map(app => card(app.client, `app ${app.app}`,
    app.portals.length ? `in portal ${app.portals.join(", ")}` : "not installed")));
  $("requests").replaceChildren(...state.requests.map(requestRow(state.now)));
  if (!state.requests.length) $("requests").append(emptyRow());
};
const refresh = async () => {
  try {
    const answer = await fetch("SIMULATOR_STATE", {cache: "no-store"});
    show(await answer.json());
  } catch { $("about").textContent = "The simulator does not answer."; }
  setTimeout(refresh, 500);
};
refresh();
</script></body></html>
""".replace("SIMULATOR_STATE", STATE_PATH)

"""How a report looks: on a screen by day and by night, on a phone, on paper."""

# It loads nothing and runs nothing: a browser that keeps to this could not.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5a6775; --paper: #fff;
  --line: #d9dfe6; --panel: #f5f7f9; --good: #1a7f5a; --bad: #c4372b;
  --doubt: #b7791f; --idle: #8894a1; --main: #2f6fb0; --fill: #2f6fb033; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --soft: #a3afbb;
  --paper: #14191f; --line: #323b45; --panel: #1d242c; --good: #4cc38a;
  --bad: #f2786d; --doubt: #e0b155; --idle: #76828e; --main: #6eaee8;
  --fill: #6eaee833; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); }
.state { font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad); }
.tiles { display: grid; gap: .6rem; margin: 1rem 0 .6rem;
  grid-template-columns: repeat(auto-fit, minmax(8.75rem, 1fr)); }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  padding: .5rem .7rem; } .tile b { display: block; font-size: 1.35rem;
  font-variant-numeric: tabular-nums; } .tile span { color: var(--soft); }
svg { display: block; width: 100%; height: auto; }
svg.share { height: 1rem; border-radius: .3rem; }
svg text { font: 14px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); } .area { fill: var(--fill); } .bar { fill: var(--main); }
.line { fill: none; stroke: var(--main); stroke-width: 2; stroke-linejoin: round; }
.limit { fill: none; stroke: var(--bad); stroke-width: 2; stroke-dasharray: 7 5; }
.break { stroke: var(--idle); stroke-dasharray: 2 4; } .again { fill: var(--doubt); }
rect.succeeded { fill: var(--good); } rect.failed { fill: var(--bad); }
rect.unknown { fill: var(--doubt); } rect.not_sent { fill: var(--idle); }
rect.open { fill: var(--line); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; color: var(--soft); }
.key i { display: inline-block; width: 1.1rem; height: .7rem; margin-right: .4rem; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem .45rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; } th.name { width: 24%; }
.number { text-align: right; width: 5rem;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font: .9em ui-monospace, monospace; overflow-wrap: anywhere;
  unicode-bidi: isolate; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  padding: .6rem .8rem; white-space: pre-wrap; margin: .5rem 0; }
.unit { display: none; }
ul { margin: 0; padding-left: 1.1rem; }
@media screen and (max-width: 48rem) { body { padding-top: 1rem; }
  svg text { font-size: 24px; } .tiles { grid-template-columns: 1fr 1fr; }
  table, tbody, tr, td { display: block; } thead { display: none; }
  tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
  td { border: 0; padding: .1rem 0; } td.number { text-align: left; width: auto;
    font-weight: 600; }
  .unit { display: inline; font-style: normal; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff;
  --line: #bbb; --panel: #fff; --good: #1a7f5a; --bad: #b3261e; --doubt: #9a6412;
  --idle: #777; --main: #245a91; --fill: #245a9133; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  svg, .tile, li, pre, section { break-inside: avoid; } h2 { break-after: avoid; }
  svg + p { break-before: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""

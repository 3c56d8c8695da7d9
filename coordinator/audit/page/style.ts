// The style of audit.html: report.html's colors and type (coordinator/web/browser/style.css) for a page of text, tables and bars.

export const auditStyle = `
:root { color-scheme: light dark; --page: #f5f6f8; --panel: #fff; --sunken: #f0f2f4; --line: #dfe3e8; --text: #1b2026; --muted: #5a6470;
  --part-0: #a8b0ba; --part-1: #c9a227; --part-2: #64b48a; --part-3: #dfe3e8; --part-4: #8f81d8; }
@media (prefers-color-scheme: dark) { :root { --page: #121519; --panel: #1a1e23; --sunken: #14181c; --line: #2d343c; --text: #e2e6eb;
  --muted: #98a3af; --part-0: #59626d; --part-1: #a08c3d; --part-2: #3d8f66; --part-3: #2d343c; --part-4: #8a7be0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); overflow-wrap: anywhere;
  font: 14px / 1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1000px; margin: 24px auto; padding: 8px 32px 40px; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
h1 { font-size: 22px; margin: 20px 0 4px; }
h2 { font-size: 16px; margin: 32px 0 8px; padding-top: 16px; border-top: 1px solid var(--line); }
p, ul { margin: 8px 0; }
ul { padding-left: 20px; }
li { margin: 4px 0; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12.5px; }
pre { padding: 12px 14px; background: var(--sunken); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; overflow-wrap: normal; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 12px 0; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: baseline; }
th { color: var(--muted); font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
figure { margin: 16px 0; }
figcaption { color: var(--muted); margin-bottom: 4px; }
svg { width: 100%; min-width: 560px; height: auto; display: block; }
svg text { fill: var(--text); font-size: 13px; }
svg .value { fill: var(--muted); font-variant-numeric: tabular-nums; }
.part-0 { fill: var(--part-0); --own: var(--part-0); } .part-1 { fill: var(--part-1); --own: var(--part-1); }
.part-2 { fill: var(--part-2); --own: var(--part-2); } .part-3 { fill: var(--part-3); --own: var(--part-3); }
.part-4 { fill: var(--part-4); --own: var(--part-4); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; color: var(--muted); }
.legend li::before { content: ""; display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 2px; background: var(--own); }
@media (max-width: 640px) { main { margin: 0; padding: 4px 14px 32px; border: 0; border-radius: 0; } }
`;

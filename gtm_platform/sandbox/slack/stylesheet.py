"""How the page looks, in light and in dark."""

STYLESHEET = """
:root {
  --side: #3b1d4a; --side-text: #e6dcea; --side-chosen: #6b4080; --paper: #ffffff; --text: #1d1c1d; --faint: #6a686b;
  --line: #dfdde1; --link: #1264a3; --soft: #f6f5f7; --hover: #faf9fb; --mention: #e8f1f9; --code: #b3274e;
  --primary: #007a5a; --danger: #c01343; --bot: #5b3df5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --side: #17141b; --side-text: #c9c2ce; --side-chosen: #4b3160; --paper: #1e2024; --text: #e3e2e5; --faint: #9b9aa0;
    --line: #3a3b41; --link: #5fb0ea; --soft: #292b30; --hover: #24262b; --mention: #263b4d; --code: #f2768f;
    --primary: #1a8f6f; --danger: #d9355f; --bot: #7a62ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; height: 100vh; display: flex; background: var(--paper); color: var(--text);
  font: 15px/1.47 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Lato, sans-serif;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
nav { width: 250px; flex: none; background: var(--side); color: var(--side-text); padding: 0 10px; overflow-y: auto; }
nav h1 { font-size: 18px; margin: 0; padding: 15px 10px; color: #fff; }
nav h2 { font-size: 13px; font-weight: 500; margin: 8px 10px 6px; opacity: .75; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; justify-content: space-between; padding: 4px 10px; border-radius: 6px; color: inherit; }
nav a:hover { background: #ffffff1a; text-decoration: none; }
nav a[aria-current] { background: var(--side-chosen); color: #fff; }
nav b { font-weight: 500; font-size: 12px; opacity: .7; align-self: center; font-variant-numeric: tabular-nums; }
main { flex: 1; min-width: 0; display: flex; flex-direction: column; }
header {
  display: flex; justify-content: space-between; align-items: baseline; gap: 16px; padding: 14px 22px;
  border-bottom: 1px solid var(--line);
}
header strong { font-size: 18px; }
header span, .note, .edited, time, .context { color: var(--faint); font-size: 13px; }
.scroll { flex: 1; min-height: 0; overflow-y: auto; display: flex; flex-direction: column-reverse; }
.feed { margin-bottom: auto; padding: 8px 0 28px; }
.note { text-align: center; }
.day { position: relative; text-align: center; margin: 18px 0 8px; }
.day::before { content: ""; position: absolute; inset: 50% 0 auto; border-top: 1px solid var(--line); }
.day span {
  position: relative; background: var(--paper); border: 1px solid var(--line); border-radius: 99px;
  padding: 3px 14px; font-size: 13px; font-weight: 600;
}
article { display: flex; gap: 10px; padding: 8px 22px; }
article:hover { background: var(--hover); }
.avatar { width: 36px; height: 36px; flex: none; margin-top: 3px; fill: var(--bot); }
.avatar path { stroke: #fff; fill: none; }
.content { min-width: 0; flex: 1; max-width: 760px; overflow-wrap: anywhere; }
.by { display: flex; align-items: center; gap: 7px; }
.by i {
  font-style: normal; font-weight: 600; font-size: 10px; line-height: 1.4; background: var(--line); color: var(--faint);
  border-radius: 3px; padding: 1px 4px;
}
time { font-size: 12px; }
h3 { font-size: 18px; line-height: 1.3; margin: 6px 0 4px; }
hr { border: 0; border-top: 1px solid var(--line); margin: 10px 0; }
.section { display: flex; gap: 16px; justify-content: space-between; margin: 4px 0; }
.section .body { min-width: 0; flex: 1; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 24px; margin: 4px 0; }
.context { display: flex; flex-wrap: wrap; gap: 2px 10px; margin: 4px 0; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 4px; }
.button {
  display: inline-block; align-self: flex-start; border: 1px solid var(--line); border-radius: 8px; padding: 4px 12px;
  font-size: 14px; font-weight: 600; color: var(--text); background: var(--paper); white-space: nowrap;
}
.button:hover { background: var(--soft); text-decoration: none; }
.button.primary { background: var(--primary); border-color: var(--primary); color: #fff; }
.button.danger { background: var(--danger); border-color: var(--danger); color: #fff; }
.mention { background: var(--mention); color: var(--link); border-radius: 3px; padding: 0 3px; }
code, pre { font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; background: var(--soft); }
code { color: var(--code); border: 1px solid var(--line); border-radius: 3px; padding: 1px 4px; }
pre { border: 1px solid var(--line); border-radius: 5px; padding: 8px 10px; margin: 4px 0; overflow-x: auto; }
blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid var(--line); }
table { border-collapse: collapse; margin: 6px 0; }
td { border: 1px solid var(--line); padding: 4px 10px; }
.picture { font-size: 13px; }
article:target { background: var(--mention); }
.attachment { border-left: 4px solid var(--line); border-radius: 3px; padding: 2px 0 2px 12px; margin: 6px 0; }
.attachment .title { font-weight: 600; }
.reactions { display: flex; flex-wrap: wrap; gap: 6px; margin: 6px 0 2px; }
.reactions span {
  background: var(--soft); border: 1px solid var(--line); border-radius: 99px; padding: 1px 9px; font-size: 13px;
}
.thread { margin-top: 6px; border-left: 2px solid var(--line); padding-left: 4px; }
.thread summary { cursor: pointer; color: var(--link); font-size: 13px; font-weight: 600; padding: 2px 8px; }
.thread article { padding: 6px 8px; }
.thread .avatar { width: 24px; height: 24px; }
@media (max-width: 720px) {
  body { flex-direction: column; }
  nav { width: auto; max-height: 35vh; padding-bottom: 8px; }
  .fields { grid-template-columns: 1fr; }
  article, header { padding-left: 14px; padding-right: 14px; }
}
"""

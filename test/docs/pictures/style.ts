/** The look of a chat: light, with bubbles. */
export const STYLE = `
* { box-sizing: border-box; margin: 0; }
body { font: 15px/1.38 Inter, "DejaVu Sans", sans-serif, "Noto Color Emoji"; color: #10171e; background: #fff; }
main { width: 430px; background: #cddfe6; }
header { display: flex; gap: 12px; align-items: center; padding: 10px 16px; background: #fff; border-bottom: 1px solid #dde4ea; }
header small { color: #73828f; }
.face { width: 40px; height: 40px; border-radius: 50%; background: linear-gradient(#5fa8ee, #3d7fd0); color: #fff; font-size: 19px; font-weight: 600; display: grid; place-items: center; }
section { padding: 12px 14px 18px; display: flex; flex-direction: column; gap: 8px; }
.service { align-self: center; padding: 3px 11px; border-radius: 12px; background: #4f6f8566; color: #fff; font-size: 13px; font-weight: 600; }
.message { max-width: 88%; min-width: 30%; }
.own { align-self: flex-end; }
.other { align-self: flex-start; }
.bubble { padding: 7px 11px 7px 12px; border-radius: 15px; background: #fff; box-shadow: 0 1px 1px #4a637526; }
.own .bubble { background: #e3fbd0; border-bottom-right-radius: 5px; }
.other .bubble { border-bottom-left-radius: 5px; }
.name { font-weight: 600; font-size: 14px; }
.quote { margin: 2px 0 5px; padding: 2px 9px; border-left: 3px solid #3d7fd0; border-radius: 4px; background: #3d7fd014; font-size: 13.5px; }
.quote b { color: #2c69b3; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.text::after { content: ""; display: block; clear: both; }
.time { float: right; margin: 6px 0 -3px 12px; font-size: 12px; color: #8a97a3; white-space: nowrap; }
.own .time { color: #5fa84c; }
.link { color: #2a76c2; }
.spoiler { background: #9aa6b0; color: transparent; border-radius: 3px; }
.reaction { display: inline-block; margin: 4px 0 0 8px; padding: 1px 9px; border-radius: 12px; background: #3d7fd01f; }
code, pre { font: 13px/1.4 "DejaVu Sans Mono", monospace; }
code { color: #a1395d; }
pre { margin: 4px 0; padding: 7px 9px; border-left: 3px solid #7b8c9c; border-radius: 5px; background: #eef2f6; white-space: pre-wrap; }
blockquote { margin: 4px 0; padding: 3px 9px; border-left: 3px solid #3d7fd0; border-radius: 5px; background: #3d7fd012; }
.row { display: flex; gap: 5px; margin-top: 5px; }
.button { flex: 1; position: relative; padding: 8px 10px; border-radius: 9px; background: #55758d80; color: #fff; font-weight: 600; text-align: center; }
.button.success { background: #36a150; }
.button.danger { background: #d94c48; }
.button.primary { background: #3382d6; }
.button sup { position: absolute; top: 5px; right: 7px; font-size: 11px; line-height: 1; }
.file { display: flex; gap: 11px; align-items: center; padding: 3px 0 6px; }
.file small { color: #73828f; }
.disc { flex: none; width: 42px; height: 42px; border-radius: 50%; background: #3d8fe0; color: #fff; font-size: 19px; display: grid; place-items: center; }
.wave { width: 190px; height: 20px; background: repeating-linear-gradient(90deg, #7fb4ea 0 3px, transparent 3px 6px); mask: linear-gradient(90deg, #0006, #000, #0005, #000, #0006); }
.photo { display: block; max-width: 100%; border-radius: 10px; margin-bottom: 5px; }
`;

// A 16 x 2 character display, drawn dot by dot as the real glass shows it.
import { columns } from "./font.js";

const CHARACTERS = 16;
const ROWS = 2;
const MARGIN = 2; // in dots
const WIDTH = MARGIN * 2 + CHARACTERS * 6 - 1;
const HEIGHT = MARGIN * 2 + ROWS * 9 + 5;

/** Draw rows of text, and the cursor's line under position 0..31, on a canvas.
 *  Without power only the faint grid of dots is left. */
export function drawDisplay(canvas, { rows, cursor, powered }) {
  const pixels = canvas.clientWidth * (window.devicePixelRatio || 1);
  const scale = Math.max(6, Math.ceil((2 * pixels) / WIDTH)); // finer than the screen, so dots keep their gaps
  if (canvas.width !== WIDTH * scale || canvas.height !== HEIGHT * scale) {
    canvas.width = WIDTH * scale;
    canvas.height = HEIGHT * scale;
  }
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const dot = scale * 0.92;
  for (let row = 0; row < ROWS; row++) {
    for (let at = 0; at < CHARACTERS; at++) {
      const bytes = columns((rows[row] ?? "")[at] ?? " ");
      for (let x = 0; x < 5; x++) {
        for (let y = 0; y < 8; y++) {
          const underline = y === 7 && cursor === row * CHARACTERS + at;
          const on = powered && (underline || (bytes[x] >> y) & 1);
          pen.fillStyle = on ? "rgba(22, 34, 6, .96)" : powered ? "rgba(60, 80, 10, .075)" : "rgba(20, 26, 10, .09)";
          const left = (MARGIN + at * 6 + x) * scale;
          const top = (MARGIN + 1 + row * 11 + y) * scale;
          pen.fillRect(left, top, dot, dot);
          if (on) {
            pen.fillStyle = "rgba(22, 34, 6, .18)"; // the shadow that dots cast on the backlight
            pen.fillRect(left + scale * 0.35, top + scale * 0.4, dot, dot);
          }
        }
      }
    }
  }
}

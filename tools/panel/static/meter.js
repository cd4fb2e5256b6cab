// One meter's face: shows what the real firmware shows, and sends what a person does to it.
import { drawDisplay } from "./lcd.js";

const KEYS = [["1"], ["2"], ["3"], ["4"], ["5"], ["6"], ["7"], ["8"], ["9"], ["*", "clear"], ["0"], ["#", "enter"]];
const LAPSES = [1, 10, 60, 600, 3600];
const MARKS = [
  [0, "Off"], [10, "Lamp"], [150, "Fridge"], [2000, "Kettle"], [4000, "Geyser"], [8000, "All"],
];
const STEP = 1000 / (MARKS.length - 1);
const FLASH_MS = 55;
const SHORTEST_PRESS_MS = 70; // a mouse clicks faster than a finger; a keypad ignores such a bounce

/** Watts at a position of the slider, 0..1000: straight between neighbouring marks. */
export function wattsAt(position) {
  const left = Math.min(MARKS.length - 2, Math.floor(position / STEP));
  const [low, high] = [MARKS[left][0], MARKS[left + 1][0]];
  const watts = low + ((position - left * STEP) / STEP) * (high - low);
  const grain = watts < 20 ? 1 : watts < 200 ? 5 : 50;
  return Math.round(watts / grain) * grain;
}

/** Position on the slider, 0..1000, of a load in watts. */
export function positionOf(watts) {
  const right = Math.max(1, MARKS.findIndex(([mark]) => mark >= watts));
  const [low, high] = [MARKS[right - 1][0], MARKS[right][0]];
  return (right - 1 + (watts - low) / (high - low)) * STEP;
}

/** A load as people say it: "10 W", "2 kW". */
export function inWords(watts) {
  return watts < 1000 ? `${watts} W` : `${Number((watts / 1000).toFixed(2))} kW`;
}

/** Builds a meter's element from the page's template and keeps it up to date. */
export class MeterFace {
  constructor(about, send, beep) {
    this.about = about;
    this.send = (message) => send({ id: about.id, ...message });
    this.beep = beep;
    this.pulses = 0;
    this.dragging = false;
    this.face = null;
    this.element = document.getElementById("meter-template").content.firstElementChild.cloneNode(true);
    this.label();
    this.wireKeys();
    this.wireControls();
    new ResizeObserver(() => this.face && this.drawLcd()).observe(this.find(".lcd"));
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  label() {
    const { drn, customer, board } = this.about;
    this.element.setAttribute("aria-label", `Meter ${drn}`);
    this.find(".customer").textContent = customer || `Meter ${drn}`;
    this.find(".customer").title = customer;
    this.find(".drn").textContent = drn;
    this.find(".board").textContent = board === "split" ? "meter and separate keypad" : "combined meter";
    this.find(".plate-board").textContent = board === "split" ? "keypad unit" : "1-phase meter";
    this.find(".keypad-cable").hidden = board !== "split";
    this.find(".copy").addEventListener("click", () => navigator.clipboard?.writeText(drn));
  }

  wireKeys() {
    const pad = this.find(".keys");
    for (const [key, word] of KEYS) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "key";
      button.dataset.key = key;
      button.append(key);
      if (word) button.append(Object.assign(document.createElement("small"), { textContent: word }));
      button.addEventListener("pointerdown", (event) => {
        button.setPointerCapture(event.pointerId);
        this.press(key, true);
      });
      for (const end of ["pointerup", "pointercancel"]) button.addEventListener(end, () => this.press(key, false));
      button.addEventListener("keydown", (event) => {
        if ((event.key === " " || event.key === "Enter") && !event.repeat) this.press(key, true);
      });
      button.addEventListener("keyup", (event) => {
        if (event.key === " " || event.key === "Enter") this.press(key, false);
      });
      pad.append(button);
    }
    const translate = { Enter: "#", Backspace: "*" };
    const typed = (event) => {
      if (event.target !== this.element) return null;
      const key = translate[event.key] ?? event.key;
      return KEYS.some(([known]) => known === key) ? key : null;
    };
    this.element.addEventListener("keydown", (event) => {
      const key = typed(event);
      if (key && !event.repeat) this.press(key, true);
    });
    this.element.addEventListener("keyup", (event) => {
      const key = typed(event);
      if (key) this.press(key, false);
    });
  }

  press(key, down) {
    const button = this.find(`.key[data-key="${key}"]`);
    if (button.classList.contains("down") === down) return;
    if (!down && performance.now() - button.pressedAt < SHORTEST_PRESS_MS) {
      setTimeout(() => this.press(key, false), SHORTEST_PRESS_MS);
      return;
    }
    if (down) button.pressedAt = performance.now();
    button.classList.toggle("down", down);
    this.send({ key, down });
  }

  wireControls() {
    const slider = this.find(".load-slider");
    slider.addEventListener("input", () => {
      const near = MARKS.findIndex((_, index) => Math.abs(slider.value - index * STEP) < 14);
      if (near >= 0) slider.value = near * STEP;
      this.dragging = true;
      this.showLoad(wattsAt(Number(slider.value)));
      this.send({ load: wattsAt(Number(slider.value)) });
    });
    slider.addEventListener("change", () => (this.dragging = false));
    const marks = this.find(".marks");
    MARKS.forEach(([watts, name], index) => {
      const mark = document.createElement("button");
      mark.type = "button";
      mark.tabIndex = -1;
      mark.className = "mark";
      mark.style.left = `${index * STEP / 10}%`;
      mark.append(Object.assign(document.createElement("b"), { textContent: name }));
      mark.append(watts ? inWords(watts) : "0 W");
      mark.addEventListener("click", () => this.send({ load: watts }));
      marks.append(mark);
    });
    for (const factor of LAPSES) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `×${factor}`;
      button.dataset.factor = factor;
      button.addEventListener("click", () => this.send({ time_lapse: factor }));
      this.find(".lapse").append(button);
    }
    this.find(".plug").addEventListener("click", () => this.send({ power: !this.face.powered }));
    this.find(".cut").addEventListener("click", () => this.send({ cut_after: 20 + Math.floor(Math.random() * 300) }));
    this.find(".network").addEventListener("click", () => this.send({ network: !this.face.network }));
    this.find(".keypad-cable").addEventListener("click", () => this.send({ keypad_cable: !this.face.keypad_cable }));
    this.find(".typist").addEventListener("submit", (event) => {
      event.preventDefault();
      const digits = event.target.token.value.replace(/\D/g, "");
      if (digits) this.send({ type: `${digits}#` });
      event.target.token.value = "";
    });
  }

  /** Show a new state of the meter. */
  update(face) {
    const before = this.face;
    this.face = face;
    const watts = face.lit ? face.load_watts : 0;
    const classes = this.element.classList;
    classes.toggle("powered", face.powered);
    classes.toggle("mains", face.powered);
    classes.toggle("closed", face.relay === "closed");
    classes.toggle("lit", face.lit);
    classes.toggle("using", watts > 0);
    classes.toggle("boiling", watts >= 1500);
    this.element.style.setProperty("--flow", `${Math.max(0.12, 1.4 - Math.log10(1 + watts) / 3)}s`);
    if (!before || ["rows", "cursor", "powered"].some((part) => `${before[part]}` !== `${face[part]}`)) this.drawLcd();
    for (const name of ["green", "amber", "red", "link"]) {
      this.find(`[data-lamp="${name}"]`).classList.toggle("on", Boolean(face.lamps[name]));
    }
    this.find(".switch-word").textContent = face.relay === "closed" ? "closed" : "open";
    this.find(".house").setAttribute("aria-label", `Load switch ${face.relay}; the house ${face.lit ? "has electricity" : "is dark"}`);
    this.showState(face);
    this.showPower(face, watts);
    if (!this.dragging) {
      this.find(".load-slider").value = positionOf(face.load_watts);
      this.showLoad(face.load_watts);
    }
    this.showControls(face);
    if (before && face.pulses !== this.pulses) this.flash();
    this.pulses = face.pulses;
    if (!before || before.buzzer_hz !== face.buzzer_hz) this.beep(this.about.id, face.buzzer_hz);
    if (face.log) this.showLog(face.log);
  }

  drawLcd() {
    drawDisplay(this.find(".lcd"), this.face);
    this.find(".lcd-text").textContent = this.face.rows.join(" ");
    this.find(".lcd").setAttribute("aria-label", `Display: ${this.face.rows.join(" / ")}`);
  }

  showState(face) {
    let [word, kind] = ["Supplying", "good"];
    if (face.failure) [word, kind] = ["Firmware stopped", "off"];
    else if (!face.powered) [word, kind] = ["No mains power", "dark"];
    else if (face.relay !== "closed") [word, kind] = ["Load switch open", "off"];
    const badge = this.find(".state");
    badge.textContent = word;
    badge.className = `badge state ${kind}`;
    badge.title = face.failure;
  }

  showPower(face, watts) {
    const large = watts >= 1000;
    this.find(".watts").textContent = large ? Number((watts / 1000).toFixed(2)) : watts;
    this.find(".watts-unit").textContent = large ? "kW" : "W";
    const lapse = face.time_lapse > 1 ? ` · ×${face.time_lapse} time` : "";
    this.find(".draw-word").textContent = (face.lit ? "flowing now" : "nothing flows") + lapse;
  }

  showLoad(watts) {
    this.find(".load-word").textContent = inWords(watts);
    this.find(".load-slider").setAttribute("aria-valuetext", inWords(watts));
  }

  showControls(face) {
    for (const button of this.find(".lapse").children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.factor) === face.time_lapse));
    }
    this.find(".plug").textContent = face.powered ? "Pull the plug" : "Plug in again";
    this.find(".plug").classList.toggle("danger", face.powered);
    const cut = this.find(".cut");
    cut.disabled = !face.powered || face.cut_armed;
    cut.textContent = face.cut_armed ? "Armed: next write" : "Cut in mid-write";
    toggleCable(this.find(".network"), "Network", face.network);
    toggleCable(this.find(".keypad-cable"), "Keypad", face.keypad_cable);
  }

  showLog(lines) {
    const pre = this.find(".log pre");
    const following = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 20;
    pre.textContent = lines.join("\n");
    if (following) pre.scrollTop = pre.scrollHeight;
  }

  flash() {
    const lamp = this.find(".pulse-lamp");
    lamp.classList.add("on");
    clearTimeout(this.flashing);
    this.flashing = setTimeout(() => lamp.classList.remove("on"), FLASH_MS);
  }
}

function toggleCable(button, name, plugged) {
  button.textContent = plugged ? `${name}: in` : `${name}: pulled out`;
  button.title = plugged ? `Pull the ${name.toLowerCase()} cable out` : `Plug the ${name.toLowerCase()} cable in`;
  button.setAttribute("aria-pressed", String(plugged));
  button.classList.toggle("unplugged", !plugged);
}

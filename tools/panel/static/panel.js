// Connects the page with the panel's server and hands each meter's news to its face.
import { MeterFace } from "./meter.js";

const RETRY_MS = 1500;
const faces = new Map();
const badge = document.getElementById("connection");
const sound = document.getElementById("sound");
let socket = null;
let audio = null;
const tones = new Map();

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/socket`);
  socket.addEventListener("open", () => show("Live", "good"));
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    show("Connection lost, trying again", "waiting");
    setTimeout(connect, RETRY_MS);
  });
}

function show(words, kind) {
  badge.textContent = words;
  badge.className = `badge ${kind}`;
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function receive(message) {
  if (message.meters) build(message);
  else faces.get(message.id)?.update(message);
}

function build({ meters, till }) {
  const main = document.getElementById("meters");
  for (const face of faces.values()) face.element.remove();
  faces.clear();
  for (const about of meters) {
    const face = new MeterFace(about, send, beep);
    faces.set(about.id, face);
    main.append(face.element);
  }
  document.getElementById("empty").hidden = meters.length > 0;
  const link = document.getElementById("till");
  link.hidden = !till;
  if (till) link.href = till;
}

sound.addEventListener("click", () => {
  const on = sound.getAttribute("aria-pressed") !== "true";
  sound.setAttribute("aria-pressed", String(on));
  sound.textContent = on ? "Sound on" : "Sound off";
  if (on) audio ??= new AudioContext();
  else for (const id of tones.keys()) silence(id);
});

function beep(id, hertz) {
  silence(id);
  if (!hertz || !audio || sound.getAttribute("aria-pressed") !== "true") return;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.value = 0.04;
  tone.type = "square";
  tone.frequency.value = hertz;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tones.set(id, tone);
}

function silence(id) {
  tones.get(id)?.stop();
  tones.delete(id);
}

connect();

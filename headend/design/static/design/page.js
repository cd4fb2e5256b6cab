// The few things a page does besides htmx: copy, print, and one sending per form.
// Every page works without this file; buttons that need it appear only when it runs.

for (const needs of document.querySelectorAll("[data-needs-script]")) needs.hidden = false;
document.addEventListener("htmx:load", (event) => {
  for (const needs of event.target.querySelectorAll?.("[data-needs-script]") ?? []) needs.hidden = false;
});

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Plain http on a shop's network: no clipboard API there, so select and copy.
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (!done) throw new Error("copy refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-print]");
  if (!button) return;
  if (button.dataset.print !== undefined) {
    const receipt = document.querySelector(".receipt");
    receipt?.classList.toggle("w58", button.dataset.print === "58");
    window.print();
    return;
  }
  const label = button.textContent;
  try {
    await copy(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it and copy by hand";
  }
  setTimeout(() => { button.textContent = label; }, 2000);
});

// A second press while the first is on its way does nothing (the server would return the same
// sale, by its message id). Coming back with the Back button enables the form again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-busy");
  }
});

// On a narrow screen the navigation is longer than the page is wide: show where one is.
const here = document.querySelector(".top nav [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;

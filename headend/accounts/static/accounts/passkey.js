// Makes a passkey, or asks for one, with what the form was given, and sends the browser's answer.

const bytes = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const withBytes = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

function creation(options) {
  return {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: withBytes(options.excludeCredentials),
  };
}

function request(options) {
  return {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: withBytes(options.allowCredentials),
  };
}

function answer(credential) {
  const { response } = credential;
  const fields = ["clientDataJSON", "attestationObject", "authenticatorData", "signature"];
  const given = {};
  for (const field of fields) if (response[field]) given[field] = text(response[field]);
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response: given,
  });
}

function requirePasskeys() {
  if (!window.PublicKeyCredential) {
    throw new Error("Passkeys need an https address with a name; this page's address is not one.");
  }
}

// What browsers say is for programmers, and in the browser's own words and language.
const whys = {
  SecurityError: () => `passkeys need an address with a name${location.hostname === "127.0.0.1"
    ? `: open http://localhost:${location.port}/ instead` : ", over https"}.`,
  NotAllowedError: () => "nothing was shown in time, or this device has no passkey for you. Try again, or take another way.",
  InvalidStateError: () => "this device's passkey is set up already.",
  AbortError: () => "it was broken off. Try again.",
};
const why = (error) => `That did not work: ${whys[error.name]?.() ?? error.message}`;

async function ask(form) {
  requirePasskeys();
  const options = JSON.parse(form.dataset.options);
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey: creation(options) })
    : navigator.credentials.get({ publicKey: request(options) });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const notice = form.querySelector(".notice");
    try {
      form.elements.credential.value = answer(await ask(form));
      form.submit();
    } catch (error) {
      notice.textContent = why(error);
      notice.hidden = false;
    }
  }, { capture: true });
}

// Beside another field of a larger form: asks for the passkey of whom that form names, and keeps
// the answer in the form until it is sent.
for (const button of document.querySelectorAll("button[data-passkey-of]")) {
  button.addEventListener("click", async () => {
    const form = button.form;
    const notice = form.querySelector("[data-passkey-notice]");
    try {
      requirePasskeys();
      const body = new FormData();
      body.set("username", form.elements.username.value);
      body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
      const reply = await fetch(button.dataset.passkeyOf, { method: "POST", body });
      if (!reply.ok) throw new Error("the page did not answer");
      const options = request(await reply.json());
      form.elements.credential.value = answer(await navigator.credentials.get({ publicKey: options }));
      notice.textContent = "The passkey was shown.";
    } catch (error) {
      notice.textContent = why(error);
    }
  });
}

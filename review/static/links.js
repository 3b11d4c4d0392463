// Single keys on the page of addresses to decide; every one of them is a button or a link that works without.
const toggle = document.getElementById("single-keys");
const STORED = "loda-single-keys";

function stored() {
  try { return localStorage.getItem(STORED) !== "off"; } catch { return true; }
}

if (toggle) {
  toggle.closest("[hidden]").hidden = false;
  toggle.checked = stored();
  toggle.addEventListener("change", () => {
    try { localStorage.setItem(STORED, toggle.checked ? "on" : "off"); } catch { /* it holds for this page alone */ }
  });
}

// One key a page: the next is for the page that comes, not for the one that goes.
let leaving = false;
addEventListener("pageshow", () => { leaving = false; });

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("textarea, select, input:not([type=checkbox]):not([type=hidden]), summary");
  if (!toggle?.checked || writing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  const own = [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key);
  if (own) {
    event.preventDefault();
    if (leaving) return;
    leaving = true;
    own.click();
  }
});

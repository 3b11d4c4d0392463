// Enhancement only: every page works without it.
import { initAll } from "/static/vendor/govuk-frontend.js";

initAll();

// On a phone the filters would push the list out of sight.
if (matchMedia("(max-width: 40.0525em)").matches) {
  document.querySelectorAll('details[data-closed-when-narrow="yes"]').forEach((own) => { own.open = false; });
}

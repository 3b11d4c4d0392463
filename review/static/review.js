// Enhancement only: every page works without it.
import { initAll } from "/static/vendor/govuk-frontend.js";

initAll();

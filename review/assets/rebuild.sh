#!/bin/sh
# Makes review/static/vendor anew from the npm packages of package.json, in a folder of its own.
# Fonts and images of govuk-frontend are left out: they are for gov.uk services alone.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out="$here/../static/vendor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/theme.scss" "$work"
cd "$work"
npm install --ignore-scripts --no-audit --no-fund --silent
rm -rf "$out" && mkdir -p "$out"
npx sass --load-path=node_modules --style=compressed --no-source-map --quiet-deps theme.scss "$out/govuk.css"
cp node_modules/govuk-frontend/dist/govuk/govuk-frontend.min.js "$out/govuk-frontend.js"
cp node_modules/htmx.org/dist/htmx.min.js "$out/htmx.js"
for name in maplibre-gl.mjs maplibre-gl-worker.mjs maplibre-gl.css; do
  cp "node_modules/maplibre-gl/dist/$name" "$out/$name"
done
# Source maps are not shipped, so nothing may point to them.
sed -i '/^\/\/# sourceMappingURL=/d' "$out"/*.js "$out"/*.mjs
cd "$out" && sha256sum -- *.css *.js *.mjs > "$here/SHA256SUMS"
cp "$here/licences.txt" "$out/LICENCES.txt"

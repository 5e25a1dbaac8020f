// Package web holds the dashboard as it is served: dist, which `npm run build` in
// this folder makes of src. It is committed, so that building strangler needs no Node.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Files are the dashboard's files: index.html, icon.svg, and assets/ with a hash of
// the content in every name.
func Files() (fs.FS, error) {
	return fs.Sub(dist, "dist")
}

package main

import (
	"context"
	"net/http"
	"strings"
)

// explainPath is the one operation that is no GET and changes nothing.
const explainPath = "/api/v1/explain"

// changes reports whether a request changes something if it succeeds.
func changes(req *http.Request) bool {
	switch {
	case req.Method == http.MethodGet, req.URL.Query().Get("dry_run") == "true":
		return false
	}
	return !strings.HasSuffix(req.URL.Path, explainPath)
}

// permit asks before a change of a protected router, unless the command has
// asked already. Every request passes it, so that no command can forget it.
func (c *cli) permit(ctx context.Context, to settings, req *http.Request) error {
	if to.Protected == "" || c.confirmed || !changes(req) {
		return nil
	}
	where := c.doing + " in the protected context " + to.Protected
	return c.confirm(ctx, where, "Do "+where+" ("+to.Server+")?")
}

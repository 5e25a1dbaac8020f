package main

import (
	"context"
	"net/http"
	"strings"
)

// asking reports whether a path is that of an operation which is no GET and
// changes nothing all the same.
func asking(path string) bool {
	if strings.Contains(path, "/api/v1/webhooks/") { // a route may be called test
		return strings.HasSuffix(path, "/test")
	}
	return strings.HasSuffix(path, "/api/v1/explain") || strings.HasSuffix(path, "/rules/preview") || strings.HasSuffix(path, "/replay")
}

// changes reports whether a request changes something if it succeeds.
func changes(req *http.Request) bool {
	switch {
	case req.Method == http.MethodGet, req.URL.Query().Get("dry_run") == "true":
		return false
	}
	return !asking(req.URL.Path)
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

package test_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// api asks a router's admin API directly, where starting stranglerctl for each
// question would take longer than what is measured.
type api struct {
	t      testing.TB
	client *client.ClientWithResponses
}

func (r *router) api(token string) api {
	r.t.Helper()
	authorise := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	r.t.Cleanup(transport.CloseIdleConnections)
	c, err := client.NewClientWithResponses("http://"+r.admin,
		client.WithRequestEditorFn(authorise), client.WithHTTPClient(&http.Client{Transport: transport, Timeout: patience}))
	if err != nil {
		r.t.Fatal(err)
	}
	return api{t: r.t, client: c}
}

// promote returns the revision it made; 0 when it failed, which fails the test.
func (a api) promote(ctx context.Context, route, to string) int64 {
	got, err := a.client.PromoteRouteWithResponse(ctx, route, nil, wire.PromoteRequest{To: to})
	switch {
	case err != nil:
		a.t.Errorf("promote %s to %s: %v", route, to, err)
	case got.JSON200 == nil:
		a.t.Errorf("promote %s to %s: %s: %s", route, to, got.Status(), got.Body)
	default:
		return got.JSON200.Revision
	}
	return 0
}

package api_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

func TestTheGeneratedClientSpeaksWithTheServer(t *testing.T) {
	h := openShop(t)
	authorize := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+h.secrets[auth.Operator])
		return nil
	}
	c, err := client.NewClientWithResponses(h.server.URL, client.WithRequestEditorFn(authorize))
	if err != nil {
		t.Fatal(err)
	}
	detail, err := c.GetRouteWithResponse(t.Context(), "orders-get")
	if err != nil || detail.JSON200 == nil {
		t.Fatalf("%v %s", err, detail.Body)
	}
	tag := detail.Headers200.ETag
	moved, err := c.PromoteRouteWithResponse(t.Context(), "orders-get", &wire.PromoteRouteParams{IfMatch: &tag}, wire.PromoteRequest{To: "25%"})
	if err != nil || moved.JSON200 == nil || moved.JSON200.After.WeightBp != 2500 {
		t.Fatalf("%v %s", err, moved.Body)
	}
	refused, err := c.PromoteRouteWithResponse(t.Context(), "orders-get", &wire.PromoteRouteParams{IfMatch: &tag}, wire.PromoteRequest{})
	if err != nil || refused.ApplicationProblemJSONDefault == nil || refused.ApplicationProblemJSONDefault.Code != "conflict" {
		t.Fatalf("%v %s", err, refused.Body)
	}
	exported, err := c.ExportWithResponse(t.Context())
	if err != nil || exported.StatusCode() != http.StatusOK || len(exported.Body) == 0 {
		t.Fatalf("%v %s", err, exported.Body)
	}
}

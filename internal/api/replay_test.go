package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// anExemplar keeps one, and returns its id.
func (h *house) anExemplar() string {
	h.t.Helper()
	h.compares("orders-get", "b1").found(totalIsANumber()).kept()
	report := decode[wire.RouteDifferences](h.get("/api/v1/routes/orders-get/differences").want(http.StatusOK))
	return report.Differences[0].Exemplars[0]
}

func TestAnExemplarIsReplayed(t *testing.T) {
	var asked shadow.Exemplar
	var about string
	var with http.Header
	h := openShop(t, func(c *api.Config) {
		c.Replay = func(_ context.Context, exemplar shadow.Exemplar, signature string, headers http.Header) (api.Replayed, error) {
			asked, about, with = exemplar, signature, headers
			return api.Replayed{
				Replayed: shadow.Replayed{
					Verdict: shadow.ReplayDifferent, Now: []compare.Difference{varyIsMissing()}, More: 2, Unseen: []string{"the request's Cookie"},
				},
				Legacy: shadow.Took{Status: 200}, New: shadow.Took{Status: 500},
			}, nil
		}
	})
	id := h.anExemplar()
	body := `{"headers": [{"name": "Authorization", "value": "Bearer one"}, {"name": "authorization", "value": "Bearer two"}]}`
	replay := decode[wire.Replay](h.post("/api/v1/exemplars/"+id+"/replay", body).want(http.StatusOK))
	if asked.ID != id || strings.Join(with["Authorization"], ", ") != "Bearer one, Bearer two" {
		t.Errorf("asked for %+v with %v", asked, with)
	}
	if replay.Exemplar != id || replay.Route != "orders-get" || replay.Verdict != wire.ReplayVerdictDifferent || replay.Legacy.Status != 200 || replay.New.Status != 500 ||
		len(replay.Differences) != 1 || replay.Differences[0].Where != "$.total" || len(replay.Now) != 1 || replay.Now[0].Where != "header Vary" ||
		replay.More != 2 || len(replay.Unseen) != 1 {
		t.Errorf("%+v", replay)
	}
	if strings.Contains(h.log.String(), "Bearer one") {
		t.Error("a credential is in the log")
	}
	if about != "" {
		t.Errorf("asked about %q alone", about)
	}
	h.post("/api/v1/exemplars/0000000000000000/replay", body).problem(http.StatusNotFound, "unknown_exemplar")
	signature := replay.Differences[0].Signature
	h.post("/api/v1/exemplars/"+id+"/replay", `{"signature": "`+signature+`"}`).want(http.StatusOK)
	if about != signature || signature != asked.Signatures[0] {
		t.Errorf("asked about %q, want %q of %q", about, signature, asked.Signatures)
	}
	h.post("/api/v1/exemplars/"+id+"/replay", `{"signature": "0123456789ab"}`).problem(http.StatusNotFound, "unknown_signature")
}

func TestReplaysThatAreRefused(t *testing.T) {
	var failure error
	h := openShop(t, func(c *api.Config) {
		c.Replay = func(context.Context, shadow.Exemplar, string, http.Header) (api.Replayed, error) {
			return api.Replayed{}, failure
		}
	})
	path := "/api/v1/exemplars/" + h.anExemplar() + "/replay"
	for body, says := range map[string]string{
		`{"headers": [{"name": "a b", "value": ""}]}`:                                                          `headers[0].name is "a b"`,
		`{"headers": [{"name": "X", "value": "secret\r\nY: 1"}]}`:                                              "the value of header X has a control character",
		`{"headers": [` + strings.Repeat(`{"name": "X", "value": ""}, `, 100) + `{"name": "X", "value": ""}]}`: "there are 101 headers",
	} {
		p := h.post(path, body).problem(http.StatusBadRequest, "bad_header")
		if !strings.Contains(p.Detail, says) || strings.Contains(p.Detail, "secret") {
			t.Errorf("%q, want %q", p.Detail, says)
		}
	}
	failure = fmt.Errorf("%w: a POST may change something on legacy; nothing was sent", shadow.ErrNotAsked)
	if p := h.post(path, `{}`).problem(http.StatusConflict, "not_replayed"); !strings.Contains(p.Detail, "a POST may change something") {
		t.Errorf("%+v", p)
	}
	failure = context.DeadlineExceeded
	h.post(path, `{}`).problem(http.StatusServiceUnavailable, "store_unavailable")
	failure = rollout.ErrUnavailable
	h.post(path, `{}`).problem(http.StatusServiceUnavailable, "store_unavailable")
	failure = errors.New("boom")
	h.post(path, `{}`).problem(http.StatusInternalServerError, "internal")
}

func TestARouterThatCannotReplaySaysSo(t *testing.T) {
	h := openShop(t, func(c *api.Config) { c.Replay = nil })
	p := h.post("/api/v1/exemplars/"+h.anExemplar()+"/replay", `{}`).problem(http.StatusServiceUnavailable, "no_replay")
	if !strings.Contains(p.Detail, "nothing was sent") {
		t.Errorf("%+v", p)
	}
}

package proxy

import (
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestEachRefutationOfADryRunIsRememberedForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProofs(slog.New(slog.DiscardHandler))
		id := proofID{"orders", "http://127.0.0.1:1"}
		known := p.of(id)
		for i, want := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, time.Hour, time.Hour} {
			p.settle(known, id, true, "")
			for range 16 { // that were under way at once
				p.answered(id, &http.Response{StatusCode: http.StatusOK})
			}
			if got := time.Until(known.until); got != want || known.honoured {
				t.Errorf("refuted %d times: left alone for %s, want %s", i+1, got, want)
			}
		}
		p.settle(p.of(proofID{"orders", "http://127.0.0.1:2"}), id, false, "")
		if got := time.Until(p.of(proofID{"orders", "http://127.0.0.1:2"}).until); got != 30*time.Second {
			t.Errorf("never proved: asked again after %s, want 30 s", got)
		}
	})
}

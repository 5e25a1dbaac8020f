package exchange_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

func TestKeepPrivate(t *testing.T) {
	for name, c := range map[string]struct{ answer, want exchange.Fields }{
		"silent": {exchange.Fields{}, exchange.Fields{"Cache-Control": {"private"}}},
		"public": {
			exchange.Fields{"Cache-Control": {"public, max-age=60", "s-maxage=600"}},
			exchange.Fields{"Cache-Control": {"private, public, max-age=60, s-maxage=600"}},
		},
		"private in part": {
			exchange.Fields{"Cache-Control": {`private="Set-Cookie"`}},
			exchange.Fields{"Cache-Control": {`private, private="Set-Cookie"`}},
		},
		"for a CDN": {
			exchange.Fields{"Cdn-Cache-Control": {"max-age=600"}, "Surrogate-Control": {"max-age=600"}, "Etag": {`"1"`}},
			exchange.Fields{"Cache-Control": {"private"}, "Etag": {`"1"`}},
		},
	} {
		x := &exchange.Exchange{Assignment: routing.Assignment{Reason: routing.ReasonOverride}}
		x.KeepPrivate(c.answer)
		if diff := cmp.Diff(c.want, c.answer); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOnlyAnswersByOverrideAreKeptPrivate(t *testing.T) {
	for _, reason := range []routing.Reason{
		routing.ReasonStage, routing.ReasonWeight, routing.ReasonNoKey, routing.ReasonCatchAll, routing.ReasonFallback, routing.ReasonPinned,
	} {
		x := &exchange.Exchange{Assignment: routing.Assignment{Reason: reason}}
		answer := exchange.Fields{"Cache-Control": {"public"}, "Cdn-Cache-Control": {"max-age=600"}}
		x.KeepPrivate(answer)
		want := exchange.Fields{"Cache-Control": {"public"}, "Cdn-Cache-Control": {"max-age=600"}}
		if diff := cmp.Diff(want, answer); diff != "" {
			t.Errorf("%s: %s", reason, diff)
		}
	}
}

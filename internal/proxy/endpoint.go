package proxy

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// pick chooses the endpoint of a try, a retry's if it can be another than that
// of the try before; nil: there is none.
func (f *flow) pick() *pool {
	picker := f.lane.backend.picker
	if picker == nil {
		return nil
	}
	chosen := picker.PickOther(f.avoid, rand.Uint64(), f.now())
	f.try.picker, f.try.endpoint = picker, chosen
	return poolOf(chosen, picker, f.lane.endpoints)
}

// poolOf returns the connections to an endpoint of a picker, of those that are
// parallel to its endpoints; nil: there are none.
func poolOf(chosen *guard.Endpoint, picker *guard.Picker, pools []*pool) *pool {
	for i, endpoint := range picker.Endpoints() {
		if endpoint == chosen {
			return pools[i]
		}
	}
	return nil
}

// part tells the endpoint of a try how it ended.
func (a *attempt) part(class guard.Class, now time.Time) {
	if a.endpoint == nil {
		return
	}
	f, e := a.flow, a.endpoint
	a.endpoint, f.avoid = nil, e
	if a.picker.Done(e, a.verdict(class), now) {
		f.proxy.logger.Warn("endpoint left out: it failed too often in a row",
			"backend", f.Backend, "endpoint", e.Address(), "until", e.State(now).Ejected.UTC().Format(time.RFC3339),
			"class", class.String(), "error", f.Err)
	}
}

// verdict is what the end of a try says about its endpoint: nothing, if it was
// never asked or not given the time. Nor does a 500, or a gRPC status, which
// tells of the program, and that is the same on every endpoint: whoever finds a
// request that fails could otherwise take one after the other out of service.
func (a *attempt) verdict(class guard.Class) guard.Class {
	status := a.flow.Status
	switch {
	case a.blameless:
		return guard.ClientGone
	case class == guard.Failure && (status < http.StatusBadGateway || status > http.StatusGatewayTimeout):
		return guard.ClientGone
	default:
		return class
	}
}

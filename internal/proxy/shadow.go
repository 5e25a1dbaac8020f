package proxy

import (
	"net/http"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// shadowed is what the shadow requests of one route need.
type shadowed struct {
	lane  *shadow.Lane
	sides [2]shadow.Sides // by the routing.Side that served
}

// shade decides whether the request is asked of the other side as well.
func (f *flow) shade() {
	s := f.gen.lanes.byRoute[f.route.Index].shadow
	if s == nil {
		return
	}
	share := s.lane.Policy().Share(f.Assignment.Stage)
	if share == 0 || (share < routing.FullWeight && f.route.SamplePoint(&f.request) >= int(share)) {
		return
	}
	head := shadow.Head{
		Method: f.Method, Path: f.target.Raw, Query: f.target.Query, Kind: f.Kind,
		Header: f.r.Header, Served: f.Assignment.Side,
	}
	f.shadow = s.lane.Begin(&head, &s.sides[f.Assignment.Side], f.Start)
	f.served = f.Assignment.Side
}

// copyRequest keeps what a shadow request is made of: the fields as the served
// one has them before its lane's rewriting. Without a body to wait for it is
// offered at once.
func (f *flow) copyRequest(fields exchange.Fields, hasBody bool) {
	if f.shadow.Offered() {
		return
	}
	target := f.target.Raw
	if f.target.HasQuery {
		target += "?" + f.target.Query
	}
	request := shadow.Request{
		Method: f.Method, Scheme: f.Scheme, Host: f.r.Host, Target: target, Header: http.Header(fields).Clone(),
	}
	if !hasBody {
		f.shadow.Offer(request)
		return
	}
	f.copied = &request
}

// offerUploaded offers a request that has a body, once that is there.
func (f *flow) offerUploaded() {
	if f.copied != nil && f.body != nil && f.body.ended.Load() {
		f.shadow.Offer(*f.copied)
		f.copied = nil
	}
}

// shadowHead keeps the head of the answer as the client gets it, before what the
// router itself adds.
func (f *flow) shadowHead(fields exchange.Fields) {
	switch {
	case f.shadow == nil:
	case f.Kind.Stream():
		f.leaveShadow(shadow.ReasonEvents)
	default:
		f.offerUploaded()
		f.shadow.Answered(f.res.StatusCode, http.Header(fields).Clone(), f.res.ContentLength)
	}
}

// leaveShadow ends the comparison of an answer that may go on for hours. Where
// the request's body is still coming in its copy is in use, and the room that it
// takes is given back with the exchange.
func (f *flow) leaveShadow(reason shadow.Reason) {
	if f.body != nil && !f.body.ended.Load() {
		f.shadow.GiveUp(reason)
		return
	}
	f.shadow.Abandon(reason)
	f.shadow = nil
}

// endShadow ends the primary's part in the comparison.
func (f *flow) endShadow(aborted bool) {
	if f.shadow == nil {
		return
	}
	whole := !aborted && f.Problem == nil && f.res != nil && (f.Class == guard.OK || f.Class == guard.Failure)
	switch {
	case f.Fault != 0:
		f.shadow.Abandon(shadow.ReasonFault)
	case f.Fallback != 0:
		f.shadow.Abandon(shadow.ReasonFallback)
	case !whole || f.Assignment.Side != f.served:
		f.shadow.Abandon(shadow.ReasonPrimary)
	default:
		f.offerUploaded()
		f.shadow.Served(buildOf(f.res.Header, f.lane.backend.definition.BuildHeader), f.Start.Add(f.Duration))
	}
}

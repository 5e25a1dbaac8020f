package fleet

import (
	"cmp"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// Controls are what operators have switched for the whole fleet, besides where
// routes stand. A snapshot carries them, so that they reach every router, also
// one that starts while its store is away.
type Controls struct {
	Faults  []Fault `json:"faults,omitempty"`  // by ID; some may have ended
	Drained []Drain `json:"drained,omitempty"` // by backend and endpoint
	Resets  []Reset `json:"resets,omitempty"`  // by route and side

	Autopilots []Autopilot `json:"autopilots,omitempty"` // by route; one that is not named is off
	Freeze     *Freeze     `json:"freeze,omitempty"`     // nil: changes are allowed
}

// Autopilot is what the autopilot may do with a route.
type Autopilot struct {
	Route string         `json:"route"`
	Mode  autopilot.Mode `json:"mode"`
	Actor string         `json:"actor"`
	At    time.Time      `json:"at"`
}

// Freeze forbids every promotion, of the autopilot's and, unless forced, of people's.
type Freeze struct {
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Fault is an injected fault as the store keeps it. Its ID is that of the event
// that started it.
//
// Its Until is by the clock of the machine that has read it: the time that was
// left by the store's clock, from the moment of reading on. So it ends on time
// everywhere, while clocks differ, and while the store is away.
type Fault struct {
	guard.Fault
	StartedAt time.Time `json:"started_at"` // by the store's clock
	EndsAt    time.Time `json:"ends_at"`    // by the store's clock
	Actor     string    `json:"actor"`
	Reason    string    `json:"reason,omitempty"`
}

// Drain is an endpoint that gets no new requests.
type Drain struct {
	Backend  string    `json:"backend"`
	Endpoint string    `json:"endpoint"`
	Actor    string    `json:"actor"`
	At       time.Time `json:"at"`
}

// Reset is the newest demand to close a lane's breaker.
type Reset struct {
	Route      string           `json:"route"`
	Side       string           `json:"side"`       // legacy or new
	Generation routing.Revision `json:"generation"` // the revision that demanded it: another one is another demand
}

// Clone returns controls that share nothing with these.
func (c Controls) Clone() Controls {
	return Controls{
		Faults: slices.Clone(c.Faults), Drained: slices.Clone(c.Drained), Resets: slices.Clone(c.Resets),
		Autopilots: slices.Clone(c.Autopilots), Freeze: c.Freeze,
	}
}

// ModeOf is what the autopilot may do with a route.
func (c Controls) ModeOf(route string) autopilot.Mode {
	for _, a := range c.Autopilots {
		if a.Route == route {
			return a.Mode
		}
	}
	return autopilot.Off
}

// SetAutopilot says so, in place of what was said about the route before.
func (c *Controls) SetAutopilot(a Autopilot) {
	c.Autopilots = kept(c.Autopilots, func(other Autopilot) bool { return other.Route != a.Route })
	if a.Mode != autopilot.Off {
		c.Autopilots = append(c.Autopilots, a)
	}
}

// Running are the faults that have not ended at a moment of this machine's clock.
func (c Controls) Running(now time.Time) []Fault {
	return slices.DeleteFunc(slices.Clone(c.Faults), func(f Fault) bool { return !f.Until.After(now) })
}

// since keeps faults that were read at a moment, and kept in a file since then,
// from gaining time where this machine's clock has been set back meanwhile.
func (c *Controls) since(read, now time.Time) {
	for i := range c.Faults {
		f := &c.Faults[i]
		if latest := now.Add(f.Until.Sub(read)); latest.Before(f.Until) {
			f.Until = latest
		}
	}
}

// DrainedOf returns the drained endpoints of a backend.
func (c Controls) DrainedOf(backend string) []string {
	var endpoints []string
	for _, d := range c.Drained {
		if d.Backend == backend {
			endpoints = append(endpoints, d.Endpoint)
		}
	}
	return endpoints
}

// Fit leaves out what is about nothing any more when d is what is defined:
// routes, sides and endpoints that are gone. A backend that only drained
// endpoints are left of has none: somebody must serve. A route without a new side
// has no autopilot.
func (c Controls) Fit(d spec.Definitions) Controls {
	sides, endpoints := sidesOf(d.Routes), endpointsOf(d.Backends)
	return Controls{
		Faults: kept(c.Faults, func(f Fault) bool { return sides[lane{f.Route, f.Side}] }),
		Resets: kept(c.Resets, func(r Reset) bool { return sides[lane{r.Route, r.Side}] }),
		Drained: kept(c.Drained, func(drain Drain) bool {
			have, drained := endpoints[drain.Backend], c.DrainedOf(drain.Backend)
			serving := slices.ContainsFunc(have, func(e string) bool { return !slices.Contains(drained, e) })
			return serving && slices.Contains(have, drain.Endpoint)
		}),
		Autopilots: kept(c.Autopilots, func(a Autopilot) bool { return sides[lane{a.Route, routing.New.String()}] }),
		Freeze:     c.Freeze,
	}
}

type lane struct{ route, side string }

func sidesOf(routes []spec.Route) map[lane]bool {
	sides := make(map[lane]bool, 2*len(routes))
	for _, r := range routes {
		sides[lane{r.Name, routing.Legacy.String()}] = r.Legacy != ""
		sides[lane{r.Name, routing.New.String()}] = r.New != ""
	}
	return sides
}

func endpointsOf(backends []spec.Backend) map[string][]string {
	endpoints := make(map[string][]string, len(backends))
	for _, b := range backends {
		endpoints[b.Name] = b.Endpoints
	}
	return endpoints
}

// kept is what of items is wanted; nil where nothing is.
func kept[T any](items []T, wanted func(T) bool) []T {
	var out []T
	for _, item := range items {
		if wanted(item) {
			out = append(out, item)
		}
	}
	return out
}

// Sort brings the controls into their order.
func (c *Controls) Sort() {
	slices.SortFunc(c.Faults, func(a, b Fault) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Drained, func(a, b Drain) int {
		return cmp.Or(cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	slices.SortFunc(c.Resets, func(a, b Reset) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side))
	})
	slices.SortFunc(c.Autopilots, func(a, b Autopilot) int { return cmp.Compare(a.Route, b.Route) })
}

// appendDigest writes what routers act upon: not who wanted it, nor why. Without
// controls that is nothing.
func (c *Controls) appendDigest(buf []byte) []byte {
	for _, f := range c.Faults {
		buf = appendNumbers(appendText(buf, "fault"), f.ID, int64(f.Latency), int64(f.Jitter), int64(f.Percent), int64(f.Status), f.EndsAt.UnixMicro())
		reset := ""
		if f.Reset {
			reset = "reset"
		}
		for _, text := range [...]string{f.Route, f.Side, f.Header, f.Value, reset} {
			buf = appendText(buf, text)
		}
	}
	for _, d := range c.Drained {
		buf = appendText(appendText(appendText(buf, "drained"), d.Backend), d.Endpoint)
	}
	for _, r := range c.Resets {
		buf = appendNumbers(appendText(appendText(appendText(buf, "reset"), r.Route), r.Side), int64(r.Generation))
	}
	for _, a := range c.Autopilots {
		buf = appendText(appendText(appendText(buf, "autopilot"), a.Route), string(a.Mode))
	}
	if c.Freeze != nil {
		buf = appendText(buf, "freeze")
	}
	return buf
}

package spec

import (
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
)

const allDay = 24 * time.Hour

// maxMinimum bounds what a gate waits for before anything passes. What is above
// would hardly ever be reached.
const maxMinimum = 10_000_000

// legacySlow is the share of legacy's own requests that are slow, because slow is
// what is slower than its 95th percentile.
const legacySlow = 0.05

// checkGates checks each value by itself, and then what they say together.
func (r Route) checkGates(found *findings) {
	if r.Gates == nil || *r.Gates == (Gates{}) {
		return
	}
	if r.New == "" {
		found.add(partGates, CodeGate, "it has no new backend, so it is never promoted: name new, or leave gates out")
		return
	}
	before := len(found.list)
	var unused gate.Policy
	for _, part := range r.Gates.parts(&unused) {
		part.check(partGates+".", found)
	}
	r.Gates.Window.check(found)
	if len(found.list) > before {
		return
	}
	policy := r.GatePolicy()
	if r.Gates.Parity != nil && !policy.Parity.Off && !r.shadowable() {
		found.add(partGates+"."+partParity, CodeGate,
			"no copies of its requests are sent to the other side, so there is nothing to compare: write shadow.writes as well, or leave parity out")
	}
	checkRate(partErrors, policy.Errors, 0, found)
	checkRate(partSlowness, policy.Slowness, legacySlow, found)
}

// checkRate finds a limit that a new side would be beyond whose excess is allowed.
// always is how often what is counted happens on legacy by its definition.
func checkRate(name string, rate gate.Rate, always float64, found *findings) {
	if rate.Off || rate.Max == 0 || rate.Max >= rate.Excess+always {
		return
	}
	among := ""
	if always > 0 {
		among = fmt.Sprintf(" beside the %s that are slow on legacy, by what slow means", margin{&always})
	}
	found.add(partGates+"."+name+".max", CodeGate,
		"%s max (%s) would fail what max_excess (%s) allows%s: raise max, or lower max_excess", name, limit{&rate.Max}, margin{&rate.Excess}, among)
}

// check checks each part of the window by itself.
func (w *Window) check(found *findings) {
	if w == nil {
		return
	}
	const path = partGates + "." + partWindow
	if *w == (Window{}) {
		return
	}
	if _, err := gate.ParseZone(w.Zone); err != nil {
		found.add(path+".zone", CodeGate, "%v", err)
	}
	if w.Days == "" && w.Hours == "" {
		found.add(path, CodeGate, "the change window has neither days nor hours, so it would never close: write some, or leave window out")
	}
	if _, err := gate.ParseDays(w.Days); w.Days != "" && err != nil {
		found.add(path+".days", CodeGate, "%v", err)
	}
	if _, _, err := gate.ParseHours(w.Hours); w.Hours != "" && err != nil {
		found.add(path+".hours", CodeGate, "%v", err)
	}
}

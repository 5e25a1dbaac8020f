package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
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
	r.checkParity(policy.Parity, found)
	r.checkRate(partErrors, policy.Errors, 0, found)
	r.checkRate(partSlowness, policy.Slowness, legacySlow, found)
}

// checkParity finds a demand that nothing can ever meet. One beside shadow.sample:
// off is right: shadowing stops for a while, and what is written about it stays
// for when it goes on.
func (r Route) checkParity(parity gate.Parity, found *findings) {
	const path = partGates + "." + partParity
	switch {
	case r.Gates.Parity == nil || parity.Off:
	case !r.shadowable():
		or := ""
		if r.writes() {
			or = ", or write with shadow.writes how they may be copied"
		}
		found.add(path, CodeGate, "requests with its methods (%s) are not shadowed, so there is nothing to compare: leave parity out%s",
			strings.Join(r.Match.Methods, ", "), or)
	case !r.comparedOnItsWay():
		found.add(path, CodeGate, "its plan has no step shadow, and elsewhere nothing is compared unless shadow.sample says so: "+
			"write a share there, or shadow as the first step, or leave parity out")
	}
}

// comparedOnItsWay reports whether some step of the plan is one in which answers
// are compared, or somebody has decided how many.
func (r Route) comparedOnItsWay() bool {
	policy := r.ShadowPolicy()
	return policy.Sampled || slices.ContainsFunc(r.Facts().Plan.Steps, func(step rollout.Target) bool { return policy.Share(step.Stage) > 0 })
}

// checkRate finds a limit that a new side would be beyond whose excess is allowed.
// always is how often what is counted happens on legacy by its definition.
func (r Route) checkRate(name string, rate gate.Rate, always float64, found *findings) {
	if rate.Off || rate.Max == 0 || rate.Max >= rate.Excess+always {
		return
	}
	message := fmt.Sprintf("%s max (%s) would fail what max_excess (%s) allows", name, limit{&rate.Max}, margin{&rate.Excess})
	if always > 0 {
		message += fmt.Sprintf(" beside the %s that are slow on legacy, by what slow means", margin{&always})
	}
	settings := slices.DeleteFunc(r.GateSettings(), func(s Setting) bool { return s.Part != partGates+"."+name })
	found.add(partGates+"."+name+".max", CodeGate, "%s: raise max, or lower max_excess%s", message, defaultsIn(message, settings))
}

// check checks each part of the window by itself.
func (w *Window) check(found *findings) {
	const path = partGates + "." + partWindow
	if w == nil {
		return
	}
	if *w == (Window{}) {
		found.add(path, CodeGate, "the change window is empty, so it would never close: write its zone, and days or hours, or leave window out")
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

package spec

import (
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
)

// Gates is what is written for gate.Policy: what must hold before a route takes
// its next step. What is not written keeps its default.
type Gates struct {
	Parity    *Part[ParityGate]   `json:"parity,omitempty" yaml:"parity,omitempty"`
	Errors    *Part[RateGate]     `json:"errors,omitempty" yaml:"errors,omitempty"`
	Slowness  *Part[RateGate]     `json:"slowness,omitempty" yaml:"slowness,omitempty"`
	Fallbacks *Part[FallbackGate] `json:"fallbacks,omitempty" yaml:"fallbacks,omitempty"`
	Window    *Window             `json:"window,omitempty" yaml:"window,omitempty"`
}

// ParityGate is what is written for gate.Parity.
type ParityGate struct {
	MaxMismatch string `json:"max_mismatch,omitempty" yaml:"max_mismatch,omitempty"` // share of comparisons: 1%
	Min         *int   `json:"min,omitempty" yaml:"min,omitempty"`                   // comparisons
}

// RateGate is what is written for gate.Rate.
type RateGate struct {
	MaxExcess string `json:"max_excess,omitempty" yaml:"max_excess,omitempty"` // share of key-minutes: 0.5%
	Max       string `json:"max,omitempty" yaml:"max,omitempty"`               // the same
	Min       *int   `json:"min,omitempty" yaml:"min,omitempty"`               // key-minutes
	OnFail    string `json:"on_fail,omitempty" yaml:"on_fail,omitempty"`       // "" or rollback, hold
}

// FallbackGate is what is written for gate.Fallbacks.
type FallbackGate struct {
	Max string `json:"max,omitempty" yaml:"max,omitempty"` // share of new's requests: 1%
}

// Window is what is written for gate.Window.
type Window struct {
	Zone  string `json:"zone,omitempty" yaml:"zone,omitempty"`   // Europe/Berlin
	Days  string `json:"days,omitempty" yaml:"days,omitempty"`   // mon-thu, or mon,wed,fri; "": every day
	Hours string `json:"hours,omitempty" yaml:"hours,omitempty"` // 9-16, or 9:30-16; "": all day
}

// The names of gates' parts, as definitions write them.
const (
	partGates     = "gates"
	partParity    = "parity"
	partErrors    = "errors"
	partSlowness  = "slowness"
	partFallbacks = "fallbacks"
	partWindow    = "window"
)

// GatePolicy returns what the route's gates ask for. What cannot be read, which
// Validate refuses and only another version has stored, keeps its default; a window
// that cannot be read has no zone, and is never open.
func (r Route) GatePolicy() gate.Policy {
	policy := gate.DefaultPolicy()
	if r.Gates == nil {
		return policy
	}
	for _, part := range r.Gates.parts(&policy) {
		part.read()
	}
	_, policy.Parity.Off = r.Gates.Parity.written()
	_, policy.Errors.Off = r.Gates.Errors.written()
	_, policy.Slowness.Off = r.Gates.Slowness.written()
	_, policy.Fallbacks.Off = r.Gates.Fallbacks.written()
	var err error
	if policy.Window, err = r.Gates.Window.parse(); err != nil {
		policy.Window = &gate.Window{}
	}
	return policy
}

// parts lists what may be off, in the order of documents, bound to the values of
// a policy.
func (g *Gates) parts(into *gate.Policy) []part {
	if g == nil {
		g = &Gates{}
	}
	parity, noParity := g.Parity.written()
	fallbacks, noFallbacks := g.Fallbacks.written()
	return []part{
		{
			name: partParity, off: noParity, isOff: always(noParity), strange: g.Parity.strangeness(),
			fields: []field{
				{"max_mismatch", parity.MaxMismatch, limit{&into.Parity.Max}},
				{"min", text(parity.Min), minimum{&into.Parity.Min}},
			},
		},
		ratePart(partErrors, g.Errors, &into.Errors),
		ratePart(partSlowness, g.Slowness, &into.Slowness),
		{
			name: partFallbacks, off: noFallbacks, isOff: always(noFallbacks), strange: g.Fallbacks.strangeness(),
			fields: []field{{"max", fallbacks.Max, limit{&into.Fallbacks.Max}}},
		},
	}
}

func ratePart(name string, written *Part[RateGate], into *gate.Rate) part {
	r, off := written.written()
	return part{
		name: name, off: off, isOff: always(off), strange: written.strangeness(),
		fields: []field{
			{"max_excess", r.MaxExcess, margin{&into.Excess}},
			{"max", r.Max, limit{&into.Max}},
			{"min", text(r.Min), minimum{&into.Min}},
			{"on_fail", r.OnFail, onFail{&into.Hold}},
		},
	}
}

func always(off bool) func(guard.Policy) bool {
	return func(guard.Policy) bool { return off }
}

// parse reads the window; nil where none is written.
func (w *Window) parse() (*gate.Window, error) {
	if w == nil || *w == (Window{}) {
		return nil, nil //nolint:nilnil // no window is a window, too: at all times
	}
	read := gate.Window{Days: [7]bool{true, true, true, true, true, true, true}, To: allDay}
	var err error
	if read.Zone, err = gate.ParseZone(w.Zone); err != nil {
		return nil, err
	}
	if w.Days != "" {
		if read.Days, err = gate.ParseDays(w.Days); err != nil {
			return nil, err
		}
	}
	if w.Hours != "" {
		if read.From, read.To, err = gate.ParseHours(w.Hours); err != nil {
			return nil, err
		}
	}
	return &read, nil
}

// GateSettings returns everything in force of the route's gates, in the order of
// documents; nothing for a route without a new side, and nothing of parity for one
// that cannot be shadowed. A gate that is off is one setting.
func (r Route) GateSettings() []Setting {
	if r.New == "" {
		return nil
	}
	policy := r.GatePolicy()
	var list []Setting
	for _, part := range r.Gates.parts(&policy) {
		if part.name != partParity || r.shadowable() {
			part.name = partGates + "." + part.name
			list = append(list, part.settings(guard.Policy{}, FromRoute)...)
		}
	}
	return append(list, r.Gates.windowSettings()...)
}

func (g *Gates) windowSettings() []Setting {
	const name = partGates + "." + partWindow
	if g == nil || g.Window == nil {
		return []Setting{{Part: name, Value: wordOff, From: FromDefault}}
	}
	list := []Setting{{Part: name, Name: "zone", Value: g.Window.Zone, From: FromRoute}}
	for _, written := range []struct{ name, text, standard string }{
		{"days", g.Window.Days, "every day"},
		{"hours", g.Window.Hours, "0-24"},
	} {
		setting := Setting{Part: name, Name: written.name, Value: written.text, From: FromRoute}
		if written.text == "" {
			setting.Value, setting.From = written.standard, FromDefault
		}
		list = append(list, setting)
	}
	return list
}

// normalized drops what is empty.
func (g *Gates) normalized() *Gates {
	if g == nil {
		return nil
	}
	out := Gates{
		Parity: g.Parity.normalized(), Errors: g.Errors.normalized(), Slowness: g.Slowness.normalized(), Fallbacks: g.Fallbacks.normalized(),
		Window: g.Window,
	}
	if out.Window != nil && *out.Window == (Window{}) {
		out.Window = nil
	}
	if out == (Gates{}) {
		return nil
	}
	return &out
}

func (g RateGate) normalized() RateGate {
	if g.OnFail == onFailRollback {
		g.OnFail = ""
	}
	return g
}

package spec

import (
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Origin says where a value in force comes from.
type Origin string

// The origins.
const (
	FromDefault Origin = "default" // the side's default
	FromRoute   Origin = "route"   // the route's definition
)

// Timeout is one timeout in force, and where it comes from.
type Timeout struct {
	Name  string // as definitions write it: connect, tls, read, write, whole, idle, stream
	Value time.Duration
	From  Origin
}

// Timeouts returns the timeouts in force on one side of the route. What cannot
// be read, which Validate refuses, keeps its default.
func (r Route) Timeouts(side routing.Side) guard.Timeouts {
	var written guard.Timeouts
	for _, field := range r.written(side).fields(&written) {
		if value, err := time.ParseDuration(field.text); err == nil && value > 0 {
			*field.value = value
		}
	}
	return written.Defaulted(defaultTimeouts(side))
}

// TimeoutOrigins returns the same as a list, with the origin of each.
func (r Route) TimeoutOrigins(side routing.Side) []Timeout {
	inForce := r.Timeouts(side)
	var list []Timeout
	for _, field := range r.written(side).fields(&inForce) {
		from := FromDefault
		if field.text != "" {
			from = FromRoute
		}
		list = append(list, Timeout{Name: field.name, Value: *field.value, From: from})
	}
	return list
}

func defaultTimeouts(side routing.Side) guard.Timeouts {
	if side == routing.New {
		return guard.NewTimeouts()
	}
	return guard.LegacyTimeouts()
}

// written is what the route itself says about one side; zero: nothing.
func (r Route) written(side routing.Side) Timeouts {
	if r.Guard == nil {
		return Timeouts{}
	}
	sideGuard := r.Guard.Legacy
	if side == routing.New {
		sideGuard = r.Guard.New
	}
	if sideGuard == nil || sideGuard.Timeouts == nil {
		return Timeouts{}
	}
	return *sideGuard.Timeouts
}

// timeoutField pairs what is written with the value it stands for.
type timeoutField struct {
	name, text string
	value      *time.Duration
}

func (t Timeouts) fields(into *guard.Timeouts) []timeoutField {
	return []timeoutField{
		{"connect", t.Connect, &into.Connect},
		{"tls", t.TLS, &into.TLS},
		{"read", t.Read, &into.Read},
		{"write", t.Write, &into.Write},
		{"whole", t.Whole, &into.Whole},
		{"idle", t.Idle, &into.Idle},
		{"stream", t.Stream, &into.Stream},
	}
}

// checkTimeouts checks each value of one side, and then all of them against
// each other, defaults included.
func (r Route) checkTimeouts(side routing.Side, found *findings) {
	path := fmt.Sprintf("guard.%s.timeouts", side)
	var unused guard.Timeouts
	before := len(found.list)
	for _, field := range r.written(side).fields(&unused) {
		if field.text == "" {
			continue
		}
		value, err := time.ParseDuration(field.text)
		switch {
		case err != nil:
			found.add(path+"."+field.name, CodeTimeout, "timeout %s is %q: write a duration like 500ms, 2s or 1m30s", field.name, field.text)
		case value <= 0:
			found.add(path+"."+field.name, CodeTimeout, "timeout %s is %s: it must be positive; leave it out for the default", field.name, field.text)
		}
	}
	if len(found.list) > before {
		return
	}
	if err := r.Timeouts(side).Validate(); err != nil {
		d := defaultTimeouts(side)
		found.add(path, CodeTimeout, "side %s: %v; what is not written has its default: read %s, write %s, whole %s",
			side, err, d.Read, d.Write, d.Whole)
	}
}

package spec

import (
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// Shadow is what is written for shadow.Policy: how copies of a route's requests
// are sent to the other side, and how the two answers are compared.
type Shadow struct {
	Sample    string   `json:"sample,omitempty" yaml:"sample,omitempty"`   // share of the cohorts, like 10%, or off
	Noise     string   `json:"noise,omitempty" yaml:"noise,omitempty"`     // share of the samples, or off
	Writes    string   `json:"writes,omitempty" yaml:"writes,omitempty"`   // dry_run, sandbox or off
	Sandbox   string   `json:"sandbox,omitempty" yaml:"sandbox,omitempty"` // backend
	MaxBody   string   `json:"max_body,omitempty" yaml:"max_body,omitempty"`
	Timeout   string   `json:"timeout,omitempty" yaml:"timeout,omitempty"`
	AtOnce    *int     `json:"at_once,omitempty" yaml:"at_once,omitempty"`
	Queue     *int     `json:"queue,omitempty" yaml:"queue,omitempty"`
	Headers   []string `json:"headers,omitempty" yaml:"headers,omitempty"`
	Sensitive []string `json:"sensitive,omitempty" yaml:"sensitive,omitempty"`
	Reveal    []string `json:"reveal,omitempty" yaml:"reveal,omitempty"`
	Rules     []Rule   `json:"rules,omitempty" yaml:"rules,omitempty"`
}

const partShadow = "shadow"

// ShadowPolicy returns how the route is shadowed. What cannot be read, which
// Validate refuses, keeps its default.
func (r Route) ShadowPolicy() shadow.Policy {
	policy := shadow.DefaultPolicy()
	written := r.Shadow
	if written == nil {
		return policy
	}
	written.part(&policy).read()
	policy.Sampled = written.Sample != ""
	policy.Sandbox = written.Sandbox
	for _, name := range written.Headers {
		policy.Headers = append(policy.Headers, canonicalField(name))
	}
	policy.Sensitive, policy.Reveal = slices.Clone(written.Sensitive), slices.Clone(written.Reveal)
	for _, one := range written.Rules {
		policy.Rules = append(policy.Rules, one.Rule())
	}
	return policy
}

// part binds what is written to the values of a policy.
func (s *Shadow) part(into *shadow.Policy) part {
	if s == nil {
		s = &Shadow{}
	}
	return part{name: partShadow, fields: []field{
		{"sample", s.Sample, sample{&into.Sample}},
		{"noise", s.Noise, sample{&into.Noise}},
		{"writes", s.Writes, word[shadow.Writes]{&into.Writes, []shadow.Writes{shadow.WritesOff, shadow.WritesDryRun, shadow.WritesSandbox}}},
		{"max_body", s.MaxBody, size{&into.MaxBody, maxCopied}},
		{"timeout", s.Timeout, duration{&into.Timeout}},
		{"at_once", text(s.AtOnce), count{&into.AtOnce, maxAtOnce}},
		{"queue", text(s.Queue), count{&into.Queue, maxQueue}},
	}}
}

// ShadowSettings returns everything in force of how the route is shadowed, in
// the order of documents; nothing for a route without a new side. Of rules it
// says how many there are.
func (r Route) ShadowSettings() []Setting {
	if r.New == "" {
		return nil
	}
	policy := r.ShadowPolicy()
	list := r.Shadow.part(&policy).settings(guard.Policy{}, FromRoute)
	if !policy.Sampled {
		list[0].Value = "100% in stage shadow, else off"
	}
	for _, more := range []struct{ name, value string }{
		{"sandbox", policy.Sandbox},
		{"headers", strings.Join(policy.Headers, ", ")},
		{"sensitive", strings.Join(policy.Sensitive, ", ")},
		{"reveal", strings.Join(policy.Reveal, ", ")},
		{"rules", text(numberOf(policy.Rules))},
	} {
		if more.value != "" {
			list = append(list, Setting{Part: partShadow, Name: more.name, Value: more.value, From: FromRoute})
		}
	}
	return list
}

// numberOf is nil for none.
func numberOf[T any](items []T) *int {
	if len(items) == 0 {
		return nil
	}
	return new(len(items))
}

// Sandbox is the backend that is asked in place of new for copies of writes;
// empty: there is none.
func (r Route) Sandbox() string {
	if r.Shadow == nil {
		return ""
	}
	return r.Shadow.Sandbox
}

// Uses reports whether the route names a backend, as a side or as its sandbox.
func (r Route) Uses(backend string) bool {
	return backend != "" && (r.Legacy == backend || r.New == backend || r.Sandbox() == backend)
}

// serving names, for each backend that is a side, the routes that it serves.
func (d Definitions) serving() map[string][]string {
	users := map[string][]string{}
	for _, r := range d.Routes {
		users[r.Legacy] = append(users[r.Legacy], r.Name)
		if r.New != r.Legacy {
			users[r.New] = append(users[r.New], r.Name)
		}
	}
	return users
}

// normalized drops what is empty, and sorts what has no order. That of rules
// has a meaning.
func (s *Shadow) normalized() *Shadow {
	if s == nil {
		return nil
	}
	out := *s
	if out.Noise == wordOff {
		out.Noise = ""
	}
	if out.Writes == wordOff {
		out.Writes = ""
	}
	out.Headers = sortedBy(s.Headers, func(name string) string { return name })
	out.Sensitive = sortedBy(s.Sensitive, func(name string) string { return name })
	out.Reveal = sortedBy(s.Reveal, func(place string) string { return place })
	out.Rules = orNil(slices.Clone(s.Rules))
	if out.says() {
		return &out
	}
	return nil
}

// says reports whether anything is written.
func (s *Shadow) says() bool {
	texts := s.Sample + s.Noise + s.Writes + s.Sandbox + s.MaxBody + s.Timeout
	return texts != "" || s.AtOnce != nil || s.Queue != nil || len(s.Headers)+len(s.Sensitive)+len(s.Reveal)+len(s.Rules) > 0
}

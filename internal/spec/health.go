package spec

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// Health is how a backend's endpoints are asked whether they are well.
type Health struct {
	Path      string `json:"path,omitempty" yaml:"path,omitempty"`           // with a query, if need be
	Interval  string `json:"interval,omitempty" yaml:"interval,omitempty"`   // between two checks of one endpoint
	Timeout   string `json:"timeout,omitempty" yaml:"timeout,omitempty"`     // of one check
	Healthy   *int   `json:"healthy,omitempty" yaml:"healthy,omitempty"`     // good checks in a row that make an ill endpoint well
	Unhealthy *int   `json:"unhealthy,omitempty" yaml:"unhealthy,omitempty"` // bad ones that make a well one ill
}

// HealthPolicy is a backend's health checks as they are in force.
type HealthPolicy struct {
	Path               string
	Interval, Timeout  time.Duration
	Healthy, Unhealthy int
}

// The defaults of health checks. A timeout is never longer than the interval.
const (
	healthInterval = 5 * time.Second
	healthTimeout  = 2 * time.Second
	healthyAfter   = 2
	unhealthyAfter = 3

	maxChecks         = 100                    // in a row
	minHealthInterval = 100 * time.Millisecond // below it, checks would be load
)

// HealthPolicy returns the backend's health checks in force; nil: its
// endpoints are not asked. What cannot be read, which Validate refuses, keeps
// its default.
func (b Backend) HealthPolicy() *HealthPolicy {
	if b.Health == nil {
		return nil
	}
	policy := HealthPolicy{Path: b.Health.Path}
	part{fields: b.Health.fields(&policy)}.read()
	fill(&policy.Interval, healthInterval)
	fill(&policy.Timeout, min(healthTimeout, policy.Interval))
	fill(&policy.Healthy, healthyAfter)
	fill(&policy.Unhealthy, unhealthyAfter)
	return &policy
}

// fields are those with a default.
func (h *Health) fields(into *HealthPolicy) []field {
	return []field{
		{"interval", h.Interval, duration{&into.Interval}},
		{"timeout", h.Timeout, duration{&into.Timeout}},
		{"healthy", text(h.Healthy), count{&into.Healthy, maxChecks}},
		{"unhealthy", text(h.Unhealthy), count{&into.Unhealthy, maxChecks}},
	}
}

// fill gives a zero value its default.
func fill[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

func (h *Health) normalized() *Health {
	if h == nil || *h == (Health{}) {
		return nil
	}
	return h
}

func (b Backend) checkHealth(found *findings) {
	if b.Health == nil {
		return
	}
	before := len(found.list)
	if fault := healthPathFault(b.Health.Path); fault != "" {
		found.add("health.path", CodeHealth, "health path is %s", fault)
	}
	var unused HealthPolicy
	part{name: partHealth, fields: b.Health.fields(&unused)}.check("", found)
	if len(found.list) > before {
		return
	}
	switch policy := b.HealthPolicy(); {
	case policy.Interval < minHealthInterval:
		found.add("health.interval", CodeHealth, "health interval is %s: at least %s lie between two checks", policy.Interval, minHealthInterval)
	case policy.Timeout > policy.Interval:
		found.add("health.timeout", CodeHealth, "health timeout (%s) is longer than interval (%s): checks would overtake each other%s",
			policy.Timeout, policy.Interval, defaultsIn("health interval ("+policy.Interval.String()+")", b.healthSettings()))
	}
}

// healthPathFault says what the path is instead of one; empty: nothing.
func healthPathFault(path string) string {
	switch {
	case path == "":
		return "missing: write one, like /healthz"
	case len(path) > maxPath:
		return fmt.Sprintf("%d bytes long: at most %d are allowed", len(path), maxPath)
	case path[0] != '/' || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }):
		return fmt.Sprintf("%q: it begins with / and has neither spaces, control characters, # nor what is no ASCII", path)
	}
	if _, err := url.ParseRequestURI(path); err != nil {
		return fmt.Sprintf("%q: what follows a %% is no pair of hexadecimal digits, so no request could be made of it", path)
	}
	return ""
}

// healthSettings is one setting that says off for a backend that is not asked.
func (b Backend) healthSettings() []Setting {
	policy := b.HealthPolicy()
	if policy == nil {
		return []Setting{{Part: partHealth, Value: wordOff, From: FromDefault}}
	}
	list := []Setting{{Part: partHealth, Name: "path", Value: policy.Path, From: FromBackend}}
	return append(list, part{name: partHealth, fields: b.Health.fields(policy)}.settings(guard.Policy{}, FromBackend)...)
}

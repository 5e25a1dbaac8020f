package spec_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/spec"
)

func TestHealthChecksInForce(t *testing.T) {
	if got := (spec.Backend{}).HealthPolicy(); got != nil {
		t.Errorf("nothing is written, and %+v is in force", got)
	}
	for _, test := range []struct {
		written spec.Health
		want    spec.HealthPolicy
	}{
		{spec.Health{Path: "/up"}, spec.HealthPolicy{Path: "/up", Interval: 5 * time.Second, Timeout: 2 * time.Second, Healthy: 2, Unhealthy: 3}},
		{spec.Health{Path: "/up", Interval: "1s"}, spec.HealthPolicy{Path: "/up", Interval: time.Second, Timeout: time.Second, Healthy: 2, Unhealthy: 3}},
		{
			spec.Health{Path: "/up?deep=1", Interval: "10s", Timeout: "9s", Healthy: new(1), Unhealthy: new(5)},
			spec.HealthPolicy{Path: "/up?deep=1", Interval: 10 * time.Second, Timeout: 9 * time.Second, Healthy: 1, Unhealthy: 5},
		},
	} {
		backend := spec.Backend{Name: "b", Endpoints: []string{"http://b:1"}, Health: &test.written}
		checkBackend(t, "a valid one", backend, "")
		if diff := cmp.Diff(&test.want, backend.HealthPolicy()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestHealthChecksThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		health spec.Health
		want   string
	}{
		"no path":          {spec.Health{Interval: "1s"}, `health.path: backend "b": health path is missing: write one, like /healthz`},
		"relative path":    {spec.Health{Path: "up"}, `health.path: backend "b": health path is "up": it begins with / and has neither spaces, control characters, # nor what is no ASCII`},
		"path with a line": {spec.Health{Path: "/up\r\nX: y"}, `health.path: backend "b": health path is "/up\r\nX: y": it begins with / and has neither spaces, control characters, # nor what is no ASCII`},
		"fragment":         {spec.Health{Path: "/#up"}, `health.path: backend "b": health path is "/#up": it begins with / and has neither spaces, control characters, # nor what is no ASCII`},
		"escape":           {spec.Health{Path: "/%zz"}, `health.path: backend "b": health path is "/%zz": what follows a % is no pair of hexadecimal digits, so no request could be made of it`},
		"interval":         {spec.Health{Path: "/", Interval: "5"}, `health.interval: backend "b": health interval is "5": write a duration like 500ms, 2s or 1m30s`},
		"too often":        {spec.Health{Path: "/", Interval: "99ms"}, `health.interval: backend "b": health interval is 99ms: at least 100ms lie between two checks`},
		"healthy":          {spec.Health{Path: "/", Healthy: new(0)}, `health.healthy: backend "b": health healthy is 0: it must be positive; leave it out for the default`},
		"too slow": {
			spec.Health{Path: "/", Timeout: "6s"},
			`health.timeout: backend "b": health timeout (6s) is longer than interval (5s): checks would overtake each other; the default of interval counts, because none is written`,
		},
		"slower than asked": {spec.Health{Path: "/", Timeout: "2s", Interval: "1s"}, `health.timeout: backend "b": health timeout (2s) is longer than interval (1s): checks would overtake each other`},
	} {
		checkBackend(t, name, spec.Backend{Name: "b", Endpoints: []string{"http://b:1"}, Health: &test.health}, test.want)
	}
}

func TestBulkheadOfABackend(t *testing.T) {
	limited := guard.BulkheadPolicy{Limit: 7, Queue: 64, Wait: 100 * time.Millisecond}
	for _, test := range []struct {
		written        *spec.Part[spec.Bulkhead]
		legacy, others guard.BulkheadPolicy
	}{
		{nil, guard.UnlimitedBulkhead(), guard.BackendBulkhead()},
		{&spec.Part[spec.Bulkhead]{Off: true}, guard.UnlimitedBulkhead(), guard.UnlimitedBulkhead()},
		{&spec.Part[spec.Bulkhead]{Set: spec.Bulkhead{Concurrent: new(7)}}, limited, limited},
	} {
		backend := spec.Backend{Name: "b", Bulkhead: test.written}
		if got := backend.BulkheadPolicy(true); got != test.legacy {
			t.Errorf("of legacy lanes too: %+v, want %+v", got, test.legacy)
		}
		if got := backend.BulkheadPolicy(false); got != test.others {
			t.Errorf("of new lanes: %+v, want %+v", got, test.others)
		}
	}
	checkBackend(t, "concurrent", spec.Backend{Name: "b", Endpoints: []string{"http://b:1"}, Bulkhead: &spec.Part[spec.Bulkhead]{Set: spec.Bulkhead{Concurrent: new(-1)}}},
		`bulkhead.concurrent: backend "b": bulkhead concurrent is -1: it must be positive; leave it out for the default`)
}

func TestAQueueNeedsALimitWhereThereIsNone(t *testing.T) {
	queue := &spec.Part[spec.Bulkhead]{Set: spec.Bulkhead{Queue: new(3)}}
	backend := spec.Backend{Name: "b", Endpoints: []string{"http://b:1"}, Bulkhead: queue}
	checkBackend(t, "of no legacy lane", backend, "")
	defs := spec.Definitions{Backends: []spec.Backend{backend}, Routes: []spec.Route{{Name: "r", Match: spec.Match{Prefix: "/"}, Legacy: "b"}}}
	const want = `backends[0].bulkhead: backend "b": bulkhead has no limit by default here, so nothing ever waits: write concurrent as well`
	if got := spec.Validate(defs, spec.Source{}).Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSettingsOfABackend(t *testing.T) {
	backend := spec.Backend{Name: "b"}
	if got, want := settings(backend.Settings(true)), "bulkhead off default, health off default, fallback.budget 50% default, fallback.min_per_second 5 default"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	backend.Health, backend.Bulkhead = &spec.Health{Path: "/up", Timeout: "1s"}, &spec.Part[spec.Bulkhead]{Set: spec.Bulkhead{Queue: new(9)}}
	const want = "bulkhead.concurrent 512 default, bulkhead.queue 9 backend, bulkhead.wait 100ms default, " +
		"health.path /up backend, health.interval 5s default, health.timeout 1s backend, health.healthy 2 default, health.unhealthy 3 default"
	if got := settings(backend.Settings(false)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBudgetForFallbacks(t *testing.T) {
	backend := spec.Backend{Name: "b", Endpoints: []string{"http://b:1"}}
	if got := backend.FallbackPolicy(); got != guard.DefaultFallbackBudget() {
		t.Errorf("nothing is written, and %+v is in force", got)
	}
	backend.Fallback = &spec.FallbackBudget{MinPerSecond: new(20)}
	if got, want := backend.FallbackPolicy(), (guard.FallbackBudgetPolicy{Share: 0.5, Floor: 20}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	checkBackend(t, "valid", backend, "")
	for want, written := range map[string]spec.FallbackBudget{
		`fallback.budget: backend "b": fallback budget is 101%: it must be above 0% and at most 100%`:                           {Budget: "101%"},
		`fallback.min_per_second: backend "b": fallback min_per_second is 0: it must be positive; leave it out for the default`: {MinPerSecond: new(0)},
	} {
		backend.Fallback = &written
		checkBackend(t, want, backend, want)
	}
}

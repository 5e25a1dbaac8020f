package spec_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// everyGuard writes every setting that a guard has.
const everyGuard = `guard:
      legacy:
        bulkhead: {concurrent: 64}
      new:
        timeouts: {connect: 1s, tls: 2s, read: 3s, write: 4s, whole: 5s, idle: 6s, stream: 7s}
        retry: {attempts: 3, base: 50ms, cap: 1s, budget: 12.5%, min_per_second: 2, replay: 1MiB, classes: not_sent}
        breaker: {window: 10s, failures: 30%, min: 7, consecutive: 4, slow: {over: 2s, share: 7%}, open: 3s, max_open: 30s, quiet: 2m, counts: connections}
        bulkhead: {concurrent: 9, queue: 8, wait: 70ms}
        streams: {concurrent: 6, queue: 5, wait: 40ms}
        fallback: {on: [timeout, open, 5xx]}`

// parsed is the route of aroundRoute with a line of its own.
func parsed(t *testing.T, line string) spec.Route {
	t.Helper()
	defs, src, err := spec.ParseYAML("f.yaml", []byte(fmt.Sprintf(aroundRoute, line)))
	if err != nil {
		t.Fatal(err)
	}
	if found := spec.Validate(defs, src); len(found) > 0 {
		t.Fatal(found)
	}
	return defs.Routes[0]
}

func TestEverySettingOfAGuardIsInForce(t *testing.T) {
	r := parsed(t, everyGuard)
	want := guard.Policy{
		Timeouts: guard.Timeouts{
			Connect: time.Second, TLS: 2 * time.Second, Read: 3 * time.Second, Write: 4 * time.Second,
			Whole: 5 * time.Second, Idle: 6 * time.Second, Stream: 7 * time.Second,
		},
		Retry: guard.RetryPolicy{
			Attempts: 3, Base: 50 * time.Millisecond, Cap: time.Second, Replay: 1 << 20, Share: 0.125, Floor: 2, Classes: guard.RetryNotSent,
		},
		Breaker: guard.BreakerPolicy{
			Window: 10 * time.Second, FailureRate: 0.3, MinResults: 7, InARow: 4, SlowCall: 2 * time.Second, SlowRate: 0.07,
			OpenFor: 3 * time.Second, OpenMax: 30 * time.Second, Quiet: 2 * time.Minute, Trial: 5 * time.Second, Counts: guard.CountConnections,
		},
		Bulkhead: guard.BulkheadPolicy{Limit: 9, Queue: 8, Wait: 70 * time.Millisecond},
		Streams:  guard.BulkheadPolicy{Limit: 6, Queue: 5, Wait: 40 * time.Millisecond},
		Fallback: guard.FallbackTimeout | guard.FallbackOpen | guard.Fallback500 | guard.Fallback502 | guard.Fallback503 | guard.Fallback504,
	}
	if diff := cmp.Diff(want, r.Policy(routing.New)); diff != "" {
		t.Error(diff)
	}
	legacy := guard.LegacyPolicy()
	legacy.Bulkhead = guard.LaneBulkhead()
	legacy.Bulkhead.Limit = 64
	if diff := cmp.Diff(legacy, r.Policy(routing.Legacy)); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutAWordTheDefaultsAreInForce(t *testing.T) {
	if diff := cmp.Diff(guard.NewPolicy(), spec.Route{}.Policy(routing.New)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(guard.LegacyPolicy(), spec.Route{}.Policy(routing.Legacy)); diff != "" {
		t.Error(diff)
	}
}

func TestPartsThatAreOff(t *testing.T) {
	r := parsed(t, `guard: {new: {retry: off, breaker: "off", bulkhead: off, streams: off, fallback: off}, legacy: {breaker: off}}`)
	got := r.Policy(routing.New)
	if got.Retry.Attempts != 1 || !got.Breaker.Off || got.Bulkhead.Limit != 0 || got.Streams.Limit != 0 || got.Fallback != guard.FallbackNever {
		t.Errorf("new: %+v", got)
	}
	if legacy := r.Policy(routing.Legacy); !legacy.Breaker.Off || legacy.Retry.Attempts != 2 {
		t.Errorf("legacy: %+v", legacy)
	}
	want := `timeouts.connect 2s default, timeouts.tls 5s default, timeouts.read 5s default, timeouts.write 15s default, timeouts.whole 15s default, ` +
		`timeouts.idle 30s default, timeouts.stream 1h0m0s default, retry off route, breaker off route, bulkhead off route, streams off route, fallback off route`
	if got := settings(r.Settings(routing.New)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func settings(list []spec.Setting) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = fmt.Sprintf("%s %s %s", s.Path(), s.Value, s.From)
	}
	return strings.Join(texts, ", ")
}

func TestSettingsAndWhereTheyComeFrom(t *testing.T) {
	r := parsed(t, `guard: {new: {timeouts: {whole: 16s}, retry: {budget: 7%, attempts: 2}, breaker: {slow: {over: 1.5s}}, bulkhead: {queue: 1}, fallback: {on: [404]}}}`)
	want := `timeouts.connect 2s default, timeouts.tls 5s default, timeouts.read 5s default, timeouts.write 15s default, timeouts.whole 16s route, ` +
		`timeouts.idle 30s default, timeouts.stream 1h0m0s default, ` +
		`retry.attempts 2 route, retry.base 100ms default, retry.cap 2s default, retry.budget 7% route, retry.min_per_second 3 default, retry.replay 64KiB default, retry.classes repeatable default, ` +
		`breaker.window 20s default, breaker.failures 50% default, breaker.min 20 default, breaker.consecutive 5 default, breaker.slow.over 1.5s route, breaker.slow.share 50% default, ` +
		`breaker.open 5s default, breaker.max_open 1m0s default, breaker.quiet 1m0s default, breaker.counts failures default, ` +
		`bulkhead.concurrent 128 default, bulkhead.queue 1 route, bulkhead.wait 100ms default, ` +
		`streams.concurrent 1024 default, streams.queue 64 default, streams.wait 100ms default, fallback.on 404 route`
	if got := settings(r.Settings(routing.New)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = `retry.attempts 2 default, retry.base 100ms default, retry.cap 2s default, retry.budget 20% default, retry.min_per_second 3 default, retry.replay 64KiB default, retry.classes not_sent default, ` +
		`breaker.window 2m0s default, breaker.failures 50% default, breaker.min 20 default, breaker.consecutive 5 default, breaker.slow.over none default, breaker.slow.share 50% default, ` +
		`breaker.open 5s default, breaker.max_open 1m0s default, breaker.quiet 1m0s default, breaker.counts connections default, ` +
		`bulkhead off default, streams off default`
	if got := settings(r.Settings(routing.Legacy)[7:]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A definition from before there were breakers stays valid, and one that
// writes a window is held to it.
func TestALongWhole(t *testing.T) {
	r := parsed(t, `guard: {new: {timeouts: {whole: 2m}}}`)
	if got := r.Policy(routing.New); got.Breaker.Window != 4*time.Minute || got.Breaker.Trial != 2*time.Minute {
		t.Errorf("%+v", got.Breaker)
	}
	parsed(t, `guard: {new: {timeouts: {whole: 2m}, breaker: off}}`)
}

func TestValuesThatAGuardRefuses(t *testing.T) {
	const (
		positive = "it must be positive; leave it out for the default"
		causes   = "known are open, full, not_sent, timeout, 500, 502, 503, 504, 404, 501, none, 5xx"
	)
	tests := map[string]string{
		"{new: {timeouts: {read: 2}}}":                `36: route "r": timeout read is "2": write a duration like 500ms, 2s or 1m30s`,
		"{new: {timeouts: {tls: 0s}}}":                `35: route "r": timeout tls is 0s: ` + positive,
		"{new: {retry: {attempts: 0}}}":               `37: route "r": retry attempts is 0: ` + positive,
		"{new: {retry: {attempts: -1}}}":              `37: route "r": retry attempts is -1: ` + positive,
		"{new: {retry: {attempts: 100}}}":             `37: route "r": retry attempts is 100: at most 10 are allowed`,
		"{new: {retry: {attempts: three}}}":           `37: routes[0].guard.new.retry.attempts is "three": want a whole number`,
		"{new: {retry: {base: -1s, cap: 0s}}}":        `33: route "r": retry base is -1s: ` + positive + "\n" + `f.yaml:11:43: route "r": retry cap is 0s: ` + positive,
		"{new: {retry: {budget: 0%}}}":                `35: route "r": retry budget is 0%: it must be above 0% and at most 100%`,
		"{new: {retry: {budget: 150%}}}":              `35: route "r": retry budget is 150%: it must be above 0% and at most 100%`,
		"{new: {retry: {budget: 20}}}":                `35: route "r": retry budget is "20": write a percentage like 20%`,
		"{new: {retry: {budget: 0x1p-1%}}}":           `35: route "r": retry budget is "0x1p-1%": write a percentage like 20%`,
		"{new: {retry: {budget: -5%}}}":               `35: route "r": retry budget is -5%: it must be above 0% and at most 100%`,
		"{new: {retry: {min_per_second: 0}}}":         `43: route "r": retry min_per_second is 0: ` + positive,
		"{new: {retry: {min_per_second: 10001}}}":     `43: route "r": retry min_per_second is 10001: at most 10000 are allowed`,
		"{new: {retry: {replay: 2MiB}}}":              `35: route "r": retry replay is 2MiB: at most 1MiB is kept of a body`,
		"{new: {retry: {replay: 0}}}":                 `35: route "r": retry replay is 0: ` + positive,
		"{new: {retry: {replay: 64 kB}}}":             `35: route "r": retry replay is "64 kB": write a size like 64KiB`,
		"{new: {retry: {classes: all}}}":              `36: route "r": retry classes is "all": write repeatable or not_sent`,
		"{new: {retry: {base: 5s}}}":                  `26: route "r": side new: retry base (5s) is longer than cap (2s); the default of cap counts, because none is written`,
		"{new: {breaker: {failures: 0%}}}":            `39: route "r": breaker failures is 0%: it must be above 0% and at most 100%`,
		"{new: {breaker: {min: 0}}}":                  `34: route "r": breaker min is 0: ` + positive,
		"{new: {breaker: {consecutive: 3000000000}}}": `42: route "r": breaker consecutive is 3000000000: at most 2147483647 are allowed`,
		"{new: {breaker: {slow: {over: 0s}}}}":        `42: route "r": breaker slow.over is 0s: ` + positive,
		"{new: {breaker: {slow: {share: 9%}}}}":       `35: route "r": breaker slow.share says nothing without slow.over: write what is slow, like over: 2s`,
		"{new: {breaker: {counts: 5xx}}}":             `37: route "r": breaker counts is "5xx": write failures or connections`,
		"{new: {breaker: Off}}":                       `28: routes[0].guard.new.breaker is "Off": want a map with the keys window, failures, min, consecutive, slow, open, max_open, quiet, counts, or off`,
		"{new: {breaker: false}}":                     `28: routes[0].guard.new.breaker is "false": want a map with the keys window, failures, min, consecutive, slow, open, max_open, quiet, counts, or off`,
		"{new: {breaker: [off]}}":                     `28: routes[0].guard.new.breaker is a list: want a map with the keys window, failures, min, consecutive, slow, open, max_open, quiet, counts`,
		"{new: {breaker: {widnow: 1s}}}":              `29: unknown key "widnow" in routes[0].guard.new.breaker; did you mean window?`,
		"{new: {timeouts: off}}":                      `29: routes[0].guard.new.timeouts is the value "off": want a map with the keys connect, tls, read, write, whole, idle, stream`,
		"{new: {bulkhead: {concurrent: 0}}}":          `42: route "r": bulkhead concurrent is 0: ` + positive,
		"{new: {streams: {queue: -2}}}":               `36: route "r": streams queue is -2: ` + positive,
		"{legacy: {bulkhead: {queue: 3}}}":            `32: route "r": guard.legacy.bulkhead has no limit by default here, so nothing ever waits: write concurrent as well`,
		"{legacy: {fallback: {on: [open]}}}":          `32: route "r": fallback leads from new to legacy: write it under guard.new`,
		"{legacy: {fallback: off}}":                   `32: route "r": fallback leads from new to legacy: write it under guard.new`,
		"{new: {fallback: {on: [open, 599, opn]}}}":   `41: route "r": fallback refused: "599" is no cause; ` + causes + "\n" + `f.yaml:11:46: route "r": fallback refused: "opn" is no cause; ` + causes,
		"{new: {fallback: {on: ['open,full']}}}":      `35: route "r": fallback refused: "open,full" is no cause; ` + causes,
		"{new: {fallback: {on: []}}}":                 `34: route "r": fallback on is empty: write fallback: off for no cause at all, or leave it out for the default`,
		"{new: {timeouts: {whole: 2000000h}}}":        `37: route "r": timeout whole is 2000000h: at most 8760h are allowed`,
		"{new: {fallback: {on: [none, open]}}}":       `34: route "r": fallback refused: none stands alone, and here it stands beside open`,
	}
	for line, want := range tests {
		if got := problems(t, fmt.Sprintf(aroundRoute, "guard: "+line)); got != "f.yaml:11:"+want {
			t.Errorf("%s: got\n%s\nwant\nf.yaml:11:%s", line, got, want)
		}
	}
}

func TestTimeoutsAndWindowsThatContradict(t *testing.T) {
	const tail = ": results would leave the window before their like arrive"
	tests := map[string]string{
		"{new: {timeouts: {whole: 14s}}}":                             `29: route "r": side new: timeout write (15s) is longer than whole (14s): a single try cannot outlast the exchange; the default of write counts, because none is written`,
		"{new: {timeouts: {whole: 14s, write: 16s}}}":                 `29: route "r": side new: timeout write (16s) is longer than whole (14s): a single try cannot outlast the exchange`,
		"{legacy: {timeouts: {read: 80s}}}":                           `32: route "r": side legacy: timeout read (1m20s) is longer than whole (1m15s): a single try cannot outlast the exchange; the default of whole counts, because none is written`,
		"{new: {breaker: {window: 15s}}}":                             `37: route "r": side new: timeout whole (15s) is not below the breaker's window (15s)` + tail + `; the default of whole counts, because none is written`,
		"{new: {timeouts: {whole: 30s}, breaker: {window: 20s}}}":     `61: route "r": side new: timeout whole (30s) is not below the breaker's window (20s)` + tail,
		"{legacy: {timeouts: {whole: 3m}, breaker: {window: 2m}}}":    `63: route "r": side legacy: timeout whole (3m0s) is not below the breaker's window (2m0s)` + tail,
		"{new: {breaker: {slow: {over: 16s}}}}":                       `42: route "r": side new: breaker slow.over (16s) is longer than timeout whole (15s): no exchange would ever be slow; the default of whole counts, because none is written`,
		"{new: {breaker: {open: 2m}}}":                                `28: route "r": side new: breaker open (2m0s) is longer than max_open (1m0s); the default of max_open counts, because none is written`,
		"{new: {timeouts: {whole: 30s}, breaker: {window: 31s}}}":     "",
		"{new: {timeouts: {whole: 30s}, breaker: {min: 10}}}":         "",
		"{legacy: {timeouts: {whole: 10m, read: 9m}, bulkhead: off}}": "",
	}
	for line, want := range tests {
		if want != "" {
			want = "f.yaml:11:" + want
		}
		if got := problems(t, fmt.Sprintf(aroundRoute, "guard: "+line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

// What stores and routers agree on must not change for those who write no more
// than before, and not by the way of writing.
func TestDigestsOfGuards(t *testing.T) {
	const around = "backends:\n  - {name: old, endpoints: [http://127.0.0.1:1]}\nroutes:\n  - {name: r, match: {path: /a}, legacy: old, guard: %s}\n"
	digest := func(written string) string {
		defs, _, err := spec.ParseYAML("f.yaml", []byte(fmt.Sprintf(around, written)))
		if err != nil {
			t.Fatal(err)
		}
		return defs.Digest()
	}
	const before = "a42607fcb2715e88893ad2140ed772dd5ce4a2e9a0ec3fcc82d205e9514ee1a2"
	for _, written := range []string{
		"{new: {timeouts: {read: 2s, whole: 30s}}}",
		"{legacy: {breaker: {slow: {}}, fallback: {on: []}}, new: {retry: {}, bulkhead: {}, timeouts: {read: 2s, whole: 30s}}}",
	} {
		if got := digest(written); got != before {
			t.Errorf("%s has the digest %s", written, got)
		}
	}
	if digest("{new: {fallback: {on: [open, full]}}}") != digest("{new: {fallback: {on: [full, open]}}}") {
		t.Error("the order of causes counts")
	}
	if digest("{new: {breaker: off}}") == digest("{new: {retry: off}}") || digest("{new: {breaker: off}}") == digest("{}") {
		t.Error("off does not count")
	}
}

// A file is read strictly, a store is not: a newer router may have written it.
func TestUnknownSettingsOfAPartInJSON(t *testing.T) {
	const written = `{"name": "r", "match": {"path": "/a"}, "legacy": "b", "guard": {"new": {"breaker": {"min": 9, "widnow": "1s"}}}}`
	var r spec.Route
	if err := json.Unmarshal([]byte(written), &r); err != nil {
		t.Fatal(err)
	}
	if got := r.Policy(routing.New).Breaker.MinResults; got != 9 {
		t.Errorf("min is %d", got)
	}
	b := spec.Backend{Name: "b", Endpoints: []string{"http://127.0.0.1:1"}}
	if err := json.Unmarshal([]byte(`{"bulkhead": {"concurent": 3}}`), &b); err != nil {
		t.Fatal(err)
	}
	_, err := spec.Apply(spec.Current{}, spec.Definitions{Backends: []spec.Backend{b}, Routes: []spec.Route{r}}, spec.Source{}, false)
	const want = `backends[0].bulkhead: backend "b": bulkhead: unknown field "concurent"` + "\n" +
		`routes[0].guard.new.breaker: route "r": guard.new.breaker: unknown field "widnow"`
	if fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	stored := spec.Current{Definitions: spec.Definitions{Backends: []spec.Backend{b}, Routes: []spec.Route{r}}}
	file := spec.Definitions{Backends: []spec.Backend{{Name: "c", Endpoints: []string{"http://127.0.0.1:2"}}}}
	if next, err := spec.Apply(stored, file, spec.Source{}, false); err != nil || len(spec.Diff(stored.Definitions, next)) != 1 {
		t.Errorf("beside what is stored: %v, %+v", err, spec.Diff(stored.Definitions, next))
	}
	for _, text := range []string{`{"breaker": "on"}`, `{"breaker": 3}`, `{"breaker": {"min": "3"}}`} {
		if err := json.Unmarshal([]byte(text), new(spec.SideGuard)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

package spec_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// drawDefinitions draws definitions as they can be written, whether or not
// they make sense: Validate is tested elsewhere.
func drawDefinitions(t *rapid.T) spec.Definitions {
	return spec.Definitions{
		Backends: orNil(rapid.SliceOfNDistinct(rapid.Custom(drawBackend), 0, 4, func(b spec.Backend) string { return b.Name }).Draw(t, "backends")),
		Groups:   orNil(rapid.SliceOfNDistinct(rapid.Custom(drawGroup), 0, 3, func(g spec.Group) string { return g.Name }).Draw(t, "groups")),
		Webhooks: orNil(rapid.SliceOfNDistinct(rapid.Custom(drawWebhook), 0, 3, func(w spec.Webhook) string { return w.Name }).Draw(t, "webhooks")),
		Routes:   orNil(rapid.SliceOfNDistinct(rapid.Custom(drawRoute), 0, 5, func(r spec.Route) string { return r.Name }).Draw(t, "routes")),
	}
}

func name() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,12}`) }

// text draws what is hard to quote as well: numbers, words with a meaning in
// YAML, indicators, line ends, quotes, escapes.
func text() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[ -~]{0,12}`),
		rapid.SampledFrom([]string{
			"", " ", "~", "null", "true", "no", "1", "0x10", "1_000", "1e3", ".5", ".inf", "- a", "? a", "a: b", "a #b", "a:b", "a:", ":a", "/a:b", "http://127.0.0.1:3000", "http://[::1]:80",
			"#", "&a", "*a", "!a", "|", ">", "%", "@", "`", "[a", "{a", "'", `"`, `\`, `\d+`, "a\nb", "a\r\nb", "\n", "\t",
			" a", "a ", "a\n", "---", "...", "<<", "=", "2001-01-01", "\u0085", "\u2028", "\ufeff", "é", "😀", "a\tb", "\x01", "\x7f", "\x1b[0m",
		}),
	).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) })
}

func drawBackend(t *rapid.T) spec.Backend {
	return spec.Backend{
		Name: name().Draw(t, "name"), Endpoints: rapid.SliceOfN(text(), 1, 3).Draw(t, "endpoints"),
		Bulkhead: drawPart(t, "bulkhead", drawBulkhead(t)),
		Fallback: rapid.SampledFrom([]*spec.FallbackBudget{nil, {Budget: "1%"}, {MinPerSecond: new(2)}}).Draw(t, "budget for fallbacks"),
		Health:   rapid.Ptr(rapid.Just(spec.Health{Path: "/up?a=b", Interval: "1s", Healthy: new(1)}), true).Draw(t, "health"),
		Protocol: text().Draw(t, "protocol"), TLS: rapid.Ptr(rapid.Custom(drawBackendTLS), true).Draw(t, "tls"),
		Trust: text().Draw(t, "trust"), BuildHeader: text().Draw(t, "build header"),
	}
}

func drawBackendTLS(t *rapid.T) spec.BackendTLS {
	return spec.BackendTLS{
		CA: text().Draw(t, "ca"), ServerName: text().Draw(t, "server name"),
		Cert: text().Draw(t, "cert"), Key: text().Draw(t, "key"),
	}
}

func drawKey(t *rapid.T) spec.Key {
	kind := routing.KeyKind(rapid.IntRange(int(routing.KeyHeader), int(routing.KeyMint)).Draw(t, "kind"))
	key := spec.Key{Key: routing.Key{Kind: kind}}
	if kind == routing.KeyHeader || kind == routing.KeyCookie || kind == routing.KeyClaim {
		key.Name = text().Draw(t, "key name")
	}
	return key
}

func drawKeys(t *rapid.T) []spec.Key {
	return orNil(rapid.SliceOfN(rapid.Custom(drawKey), 0, 3).Draw(t, "keys"))
}

func drawGroup(t *rapid.T) spec.Group {
	return spec.Group{Name: name().Draw(t, "name"), Keys: drawKeys(t), Salt: text().Draw(t, "salt")}
}

func drawCondition(t *rapid.T) spec.Condition {
	return spec.Condition{
		Name:    text().Draw(t, "condition"),
		Equals:  rapid.Ptr(text(), true).Draw(t, "equals"),
		Matches: rapid.Ptr(text(), true).Draw(t, "matches"),
	}
}

func drawConditions(t *rapid.T) []spec.Condition {
	return orNil(rapid.SliceOfN(rapid.Custom(drawCondition), 0, 2).Draw(t, "conditions"))
}

func drawRoute(t *rapid.T) spec.Route {
	return spec.Route{
		Name: name().Draw(t, "name"),
		Match: spec.Match{
			Host:    text().Draw(t, "host"),
			Path:    text().Draw(t, "path"),
			Prefix:  text().Draw(t, "prefix"),
			Methods: orNil(rapid.SliceOfN(text(), 0, 3).Draw(t, "methods")),
			Headers: drawConditions(t),
			Query:   drawConditions(t),
		},
		Priority:      rapid.Int().Draw(t, "priority"),
		TrailingSlash: text().Draw(t, "trailing slash"),
		Legacy:        text().Draw(t, "legacy"),
		New:           text().Draw(t, "new"),
		Group:         text().Draw(t, "group"),
		Keys:          drawKeys(t),
		Salt:          text().Draw(t, "salt"),
		Pin:           drawPins(t),
		Rewrite:       drawRewrite(t),
		Guard:         drawGuard(t),
		Shadow:        drawShadow(t),
		Gates:         drawGates(t),
		Plan:          drawPlan(t),
		Notify:        orNil(rapid.SliceOfN(text(), 0, 2).Draw(t, "notify")),
		Data:          text().Draw(t, "data"),
	}
}

func drawPins(t *rapid.T) []spec.Pin {
	return orNil(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) spec.Pin {
		return spec.Pin{Key: text().Draw(t, "pinned key"), Side: text().Draw(t, "side")}
	}), 0, 3).Draw(t, "pins"))
}

func drawGuard(t *rapid.T) *spec.Guard {
	if !rapid.Bool().Draw(t, "guarded") {
		return nil
	}
	side := func() *spec.SideGuard { return new(drawSideGuard(t)) }
	if rapid.Bool().Draw(t, "legacy too") {
		return &spec.Guard{Legacy: side(), New: side()}
	}
	return &spec.Guard{New: side()}
}

// drawSideGuard draws all parts alike, each written, off, or neither.
func drawSideGuard(t *rapid.T) spec.SideGuard {
	return spec.SideGuard{
		Timeouts: &spec.Timeouts{Connect: text().Draw(t, "connect"), Read: text().Draw(t, "read"), Whole: "1s"},
		Retry: drawPart(t, "retry", spec.Retry{
			Attempts: number(t, "attempts"), Base: text().Draw(t, "base"), Budget: text().Draw(t, "budget"),
			MinPerSecond: number(t, "min per second"), Replay: text().Draw(t, "replay"), Classes: "not_sent",
		}),
		Breaker: drawPart(t, "breaker", spec.Breaker{
			Window: text().Draw(t, "window"), Failures: text().Draw(t, "failures"), Min: number(t, "min"), Consecutive: number(t, "consecutive"),
			Slow: rapid.Ptr(rapid.Just(spec.SlowCalls{Over: "1s", Share: "5%"}), true).Draw(t, "slow"), MaxOpen: text().Draw(t, "max open"),
		}),
		Bulkhead: drawPart(t, "bulkhead", drawBulkhead(t)),
		Streams:  drawPart(t, "streams", drawBulkhead(t)),
		Fallback: drawPart(t, "fallback", spec.Fallback{On: rapid.SliceOfN(text(), 1, 3).Draw(t, "causes")}),
	}
}

func drawBulkhead(t *rapid.T) spec.Bulkhead {
	return spec.Bulkhead{Concurrent: number(t, "concurrent"), Queue: number(t, "queue"), Wait: "1ms"}
}

// drawPart draws nothing, off, or the settings.
func drawPart[T any](t *rapid.T, label string, set T) *spec.Part[T] {
	return rapid.SampledFrom([]*spec.Part[T]{nil, {Off: true}, {Set: set}}).Draw(t, label)
}

func number(t *rapid.T, label string) *int {
	return rapid.Ptr(rapid.IntRange(-9, 999), true).Draw(t, label)
}

func drawWebhook(t *rapid.T) spec.Webhook {
	return spec.Webhook{
		Name: name().Draw(t, "name"), URL: text().Draw(t, "url"), Format: text().Draw(t, "format"), Secret: text().Draw(t, "secret"),
		On: orNil(rapid.SliceOfN(text(), 0, 3).Draw(t, "on")),
	}
}

// drawGates draws all gates alike, each written, off, or neither.
func drawGates(t *rapid.T) *spec.Gates {
	if !rapid.Bool().Draw(t, "gated") {
		return nil
	}
	rate := func(name string) *spec.Part[spec.RateGate] {
		return drawPart(t, name, spec.RateGate{
			MaxExcess: text().Draw(t, "max excess"), Max: text().Draw(t, "max"), Min: number(t, "min"), OnFail: text().Draw(t, "on fail"),
		})
	}
	return &spec.Gates{
		Parity: drawPart(t, "parity", spec.ParityGate{MaxMismatch: text().Draw(t, "max mismatch"), Min: number(t, "min comparisons")}),
		Errors: rate("errors"), Slowness: rate("slowness"), Fallbacks: drawPart(t, "fallbacks", spec.FallbackGate{Max: text().Draw(t, "max fallbacks")}),
		Window: rapid.Ptr(rapid.Custom(func(t *rapid.T) spec.Window {
			return spec.Window{Zone: text().Draw(t, "zone"), Days: text().Draw(t, "days"), Hours: text().Draw(t, "hours")}
		}), true).Draw(t, "window"),
	}
}

func drawPlan(t *rapid.T) *spec.Plan {
	if !rapid.Bool().Draw(t, "planned") {
		return nil
	}
	return &spec.Plan{Steps: orNil(rapid.SliceOfN(text(), 0, 3).Draw(t, "steps")), Bake: "1m"}
}

// orNil makes the empty list the absent one: both are written alike.
func orNil[T any](items []T) []T {
	if len(items) == 0 {
		return nil
	}
	return items
}

// shuffled returns the same definitions in another order of writing.
func shuffled(t *rapid.T, d spec.Definitions) spec.Definitions {
	out := spec.Definitions{
		Backends: permuted(t, "backends", d.Backends),
		Groups:   permuted(t, "groups", d.Groups),
		Webhooks: permuted(t, "webhooks", d.Webhooks),
		Routes:   permuted(t, "routes", d.Routes),
	}
	for i := range out.Backends {
		out.Backends[i].Endpoints = permuted(t, fmt.Sprint("endpoints ", i), out.Backends[i].Endpoints)
	}
	for i := range out.Webhooks {
		out.Webhooks[i].On = permuted(t, fmt.Sprint("verbs ", i), out.Webhooks[i].On)
	}
	for i := range out.Routes {
		out.Routes[i].Notify = permuted(t, fmt.Sprint("notify ", i), out.Routes[i].Notify)
		m := &out.Routes[i].Match
		m.Methods = permuted(t, fmt.Sprint("methods ", i), m.Methods)
		m.Headers = permuted(t, fmt.Sprint("headers ", i), m.Headers)
		m.Query = permuted(t, fmt.Sprint("query ", i), m.Query)
		shuffleCauses(t, out.Routes[i].Guard)
	}
	return out
}

func shuffleCauses(t *rapid.T, guard *spec.Guard) {
	if guard == nil || guard.New == nil || guard.New.Fallback == nil {
		return
	}
	side, fallback := *guard.New, *guard.New.Fallback
	fallback.Set.On = permuted(t, "causes", fallback.Set.On)
	side.Fallback, guard.New = &fallback, &side
}

func permuted[T any](t *rapid.T, label string, items []T) []T {
	if len(items) == 0 {
		return nil
	}
	return rapid.Permutation(slices.Clone(items)).Draw(t, label)
}

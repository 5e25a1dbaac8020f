package spec_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// drawShop draws definitions that can be applied, with everything in them that
// a definition may hold; salts are left out now and then.
func drawShop(t *rapid.T) spec.Definitions {
	salt := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[!-~]{1,64}`))
	value := rapid.StringMatching(`[ -~é]{0,12}`)
	defs := spec.Definitions{Backends: []spec.Backend{
		{Name: "monolith", Endpoints: []string{"http://127.0.0.1:3000"}, Protocol: rapid.SampledFrom([]string{"", "http1", "h2c"}).Draw(t, "protocol")},
		{Name: "shop", Endpoints: rapid.Permutation([]string{"https://b.example", "https://a.example:8443"}).Draw(t, "endpoints"), TLS: rapid.Ptr(rapid.Custom(func(t *rapid.T) spec.BackendTLS {
			return spec.BackendTLS{CA: rapid.StringMatching(`/[a-z/#: ]{1,20}\.pem`).Draw(t, "ca"), ServerName: "shop.example"}
		}), true).Draw(t, "tls")},
	}}
	defs.Backends[1].Trust, defs.Backends[1].BuildHeader = "inside", "x-build"
	defs.Backends[1].Bulkhead = drawPart(t, "bulkhead", spec.Bulkhead{Queue: new(3)})
	defs.Backends[1].Health = rapid.SampledFrom([]*spec.Health{nil, {Path: "/up"}, {Path: "/up?a=1&b", Interval: "9s", Unhealthy: new(1)}}).Draw(t, "health")
	for i := range rapid.IntRange(0, 3).Draw(t, "groups") {
		defs.Groups = append(defs.Groups, spec.Group{Name: fmt.Sprintf("g%d", i), Salt: salt.Draw(t, "salt of group"), Keys: drawChain(t)})
	}
	if rapid.Bool().Draw(t, "told of") {
		defs.Webhooks = []spec.Webhook{
			{Name: "pager", URL: "https://hooks.example/a?b=c", Secret: "env:PAGER", On: rapid.Permutation([]string{"rollback", "undo"}).Draw(t, "on")},
			{Name: "chat", URL: "env:CHAT_URL", Format: "slack"},
		}
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "routes") {
		r := spec.Route{
			Name: fmt.Sprintf("r%d", i), Legacy: "monolith", New: rapid.SampledFrom([]string{"", "shop"}).Draw(t, "new"),
			Match:         spec.Match{Path: fmt.Sprintf("/r%d/{id}", i), Methods: rapid.Permutation([]string{"POST", "GET"}).Draw(t, "methods")},
			TrailingSlash: rapid.SampledFrom([]string{"", "strict", "either"}).Draw(t, "slash"),
			Data:          rapid.SampledFrom([]string{"", "shared", "synced", "separate"}).Draw(t, "data"),
			Priority:      rapid.IntRange(-3, 3).Draw(t, "priority"),
		}
		for k := range rapid.IntRange(0, 3).Draw(t, "pins") {
			r.Pin = append(r.Pin, spec.Pin{Key: fmt.Sprint(k) + value.Draw(t, "pinned key"), Side: rapid.SampledFrom([]string{"legacy", "new"}).Draw(t, "side")})
		}
		if len(defs.Groups) > 0 && rapid.Bool().Draw(t, "grouped") {
			r.Group = defs.Groups[rapid.IntRange(0, len(defs.Groups)-1).Draw(t, "group")].Name
		} else {
			r.Salt, r.Keys = salt.Draw(t, "salt of route"), drawChain(t)
		}
		if r.New != "" && rapid.Bool().Draw(t, "rewritten") {
			r.Rewrite = &spec.Rewrite{New: &spec.SideRewrite{
				Path: "/v2/{id}", Host: "shop.example", RemoveHeaders: []string{"X-Old"}, SetHeaders: map[string]string{"X-New": "a" + value.Draw(t, "header") + "b"},
			}}
		}
		r.Guard = rapid.SampledFrom([]*spec.Guard{nil, {New: new(drawValidGuard(t))}, {Legacy: &spec.SideGuard{Breaker: &spec.Part[spec.Breaker]{Off: true}}}}).Draw(t, "guard")
		if r.New != "" {
			r.Shadow = rapid.SampledFrom([]*spec.Shadow{nil, {}, new(drawValidShadow(t))}).Draw(t, "shadow")
		}
		if r.New != "" {
			r.Gates = rapid.SampledFrom([]*spec.Gates{nil, {}, new(drawValidGates(t))}).Draw(t, "gates")
		}
		if len(defs.Webhooks) > 0 && rapid.Bool().Draw(t, "told") {
			r.Notify = []string{"pager"}
		}
		if rapid.Bool().Draw(t, "planned") {
			r.Plan = &spec.Plan{Steps: []string{"shadow", "5%", "100%"}, Bake: "1m"}
		}
		defs.Routes = append(defs.Routes, r)
	}
	return defs
}

// drawValidGuard draws the new side's guard, whose parts may each be off.
func drawValidGuard(t *rapid.T) spec.SideGuard {
	share := rapid.SampledFrom([]string{"0.5%", "20%", "100%"})
	return spec.SideGuard{
		Timeouts: rapid.Ptr(rapid.Just(spec.Timeouts{Whole: "18s"}), true).Draw(t, "timeouts"),
		Retry:    drawPart(t, "retry", spec.Retry{Attempts: new(rapid.IntRange(1, 10).Draw(t, "attempts")), Budget: share.Draw(t, "budget"), Replay: "16KiB"}),
		Breaker:  drawPart(t, "breaker", spec.Breaker{Slow: &spec.SlowCalls{Over: "2s"}, Failures: share.Draw(t, "failures"), Min: new(9)}),
		Bulkhead: drawPart(t, "lane's bulkhead", spec.Bulkhead{Concurrent: new(rapid.IntRange(1, 999).Draw(t, "concurrent")), Wait: "5ms"}),
		Streams:  drawPart(t, "streams", spec.Bulkhead{Queue: new(1)}),
		Fallback: drawPart(t, "fallback", spec.Fallback{On: rapid.Permutation([]string{"timeout", "404", "5xx", "open"}).Draw(t, "causes")}),
	}
}

// drawValidShadow draws a section of which every key may be written.
func drawValidShadow(t *rapid.T) spec.Shadow {
	share := rapid.SampledFrom([]string{"", "off", "0.01%", "100%"})
	out := spec.Shadow{
		Sample: share.Draw(t, "sample"), MaxBody: "64KiB", Timeout: "3s", AtOnce: new(rapid.IntRange(1, 1000).Draw(t, "at once")), Queue: new(9),
		Writes:  rapid.SampledFrom([]string{"", "off", "dry_run"}).Draw(t, "writes"),
		Headers: rapid.Permutation([]string{"Vary", "content-type"}).Draw(t, "headers"), Sensitive: []string{"iban", "Kennwort: é"},
		Reveal: []string{"$.token_type", "$['a b']..c"},
		Rules: []spec.Rule{
			{Ignore: "$.at", Reason: "clock: #1", Owner: "ana", Expires: "2027-01-31"},
			{Unordered: "$.items[*].tags", Reason: "a set"},
			{Unordered: "$.items", By: "sku: 1", Reason: "a set"},
			{Tolerance: "$.total", Within: "1%", Reason: "rounding"},
			{Case: "header Vary", Reason: "names"},
			{Replace: "body", Pattern: `https?://[^/"]+\s`, With: "$1 \"x\"", Reason: "hosts"},
		},
	}
	if out.Sample != "off" {
		out.Noise = share.Draw(t, "noise")
	}
	out.Rules = out.Rules[rapid.IntRange(0, 6).Draw(t, "rules"):]
	return out
}

// drawValidGates draws a section of which every gate may be off.
func drawValidGates(t *rapid.T) spec.Gates {
	onFail := rapid.SampledFrom([]string{"", "rollback", "hold"})
	return spec.Gates{
		Parity:    drawPart(t, "parity", spec.ParityGate{MaxMismatch: "0.1%", Min: new(9)}),
		Errors:    drawPart(t, "errors", spec.RateGate{MaxExcess: "0%", Max: "99.9%", OnFail: onFail.Draw(t, "on fail")}),
		Slowness:  drawPart(t, "slowness", spec.RateGate{OnFail: onFail.Draw(t, "on slowness")}),
		Fallbacks: drawPart(t, "fallbacks", spec.FallbackGate{Max: "5%"}),
		Window: rapid.SampledFrom([]*spec.Window{
			nil, {}, {Zone: "Europe/Berlin", Days: "mon,wed", Hours: "9:30-16"}, {Zone: "UTC", Hours: "9-16"}, {Zone: "UTC", Days: "mon-fri"},
		}).Draw(t, "window"),
	}
}

func drawChain(t *rapid.T) []spec.Key {
	chain := []spec.Key{}
	for _, text := range []string{`{"header":"X-User: 1"}`, `{"cookie":"session"}`, `{"claim":"https://a/ #b"}`, `"client_address"`, `"mint"`} {
		var key spec.Key
		if rapid.Bool().Draw(t, text) && key.UnmarshalJSON([]byte(text)) == nil {
			chain = append(chain, key)
		}
	}
	return chain
}

// What is exported and applied to an empty store gives the same definitions:
// by their digest, salts included.
func TestAnExportGivesTheSameDefinitions(t *testing.T) {
	empty := spec.Current{States: map[string]rollout.State{}}
	applied := 0
	rapid.Check(t, func(t *rapid.T) {
		kept, err := spec.Apply(empty, drawShop(t), spec.Source{}, false)
		if err != nil {
			t.Skip(err)
		}
		applied++
		export, err := spec.FormatYAML(kept)
		if err != nil {
			t.Fatal(err)
		}
		file, source, err := spec.ParseYAML("export", export)
		if err != nil {
			t.Fatalf("%v in\n%s", err, export)
		}
		again, err := spec.Apply(empty, file, source, true)
		if len(kept.Backends) > 0 && err != nil {
			t.Fatalf("%v in\n%s", err, export)
		}
		if again.Digest() != kept.Digest() {
			t.Fatalf("the digest %s became %s by\n%s", kept.Digest(), again.Digest(), export)
		}
		if changes := spec.Diff(kept, again); len(changes) > 0 {
			t.Fatalf("what was exported differs: %+v", changes)
		}
	})
	if applied < 50 {
		t.Errorf("%d of the drawn definitions could be applied: too few to say anything", applied)
	}
}

// Lists without words say nothing, whether they are written or not.
func TestEmptyListsChangeNothing(t *testing.T) {
	const text = `{backends: [{name: b, endpoints: [http://b:1]}], routes: [{name: r, match: {path: /x%s}, legacy: b%s}]}`
	kept, _, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, text, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	file, _, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, text, ", methods: []", ", pin: []"))
	if changes := spec.Diff(kept, file); err != nil || len(changes) > 0 {
		t.Errorf("%v, %+v", err, changes)
	}
}

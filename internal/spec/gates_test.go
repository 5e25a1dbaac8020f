package spec_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones, whatever this machine has of them

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/spec"
)

// everyGate writes everything that gates have.
const everyGate = `gates:
      parity: {max_mismatch: 0.1%, min: 4000}
      errors: {max_excess: 0.5%, max: 5%, min: 200, on_fail: hold}
      slowness: {max_excess: 7.5%, max: 20%, min: 300, on_fail: rollback}
      fallbacks: {max: 2%}
      window: {zone: Europe/Berlin, days: mon-thu, hours: 9:30-16}`

func TestEverythingWrittenAboutGatesIsInForce(t *testing.T) {
	berlin, err := gate.ParseZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := gate.Policy{
		Parity:    gate.Parity{Max: 0.001, Min: 4000},
		Errors:    gate.Rate{Excess: 0.005, Max: 0.05, Min: 200, Hold: true},
		Slowness:  gate.Rate{Excess: 0.075, Max: 0.2, Min: 300},
		Fallbacks: gate.Fallbacks{Max: 0.02},
		Window: &gate.Window{
			Zone: berlin, Days: [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Saturday: false},
			From: 9*time.Hour + 30*time.Minute, To: 16 * time.Hour,
		},
	}
	route := parsed(t, everyGate)
	if got := route.GatePolicy(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := route.Facts().Gates; !reflect.DeepEqual(got, want) {
		t.Errorf("of the facts: got  %+v\nwant %+v", got, want)
	}
	const settled = `gates.parity.max_mismatch 0.1% route, gates.parity.min 4000 route, ` +
		`gates.errors.max_excess 0.5% route, gates.errors.max 5% route, gates.errors.min 200 route, gates.errors.on_fail hold route, ` +
		`gates.slowness.max_excess 7.5% route, gates.slowness.max 20% route, gates.slowness.min 300 route, gates.slowness.on_fail rollback route, ` +
		`gates.fallbacks.max 2% route, gates.window.zone Europe/Berlin route, gates.window.days mon-thu route, gates.window.hours 9:30-16 route`
	if got := settings(route.GateSettings()); got != settled {
		t.Errorf("got  %s\nwant %s", got, settled)
	}
}

func TestGatesWithoutAWord(t *testing.T) {
	route := parsed(t, "")
	if got := route.GatePolicy(); !reflect.DeepEqual(got, gate.DefaultPolicy()) {
		t.Errorf("got %+v", got)
	}
	const settled = `gates.parity.max_mismatch 1% default, gates.parity.min 400 default, ` +
		`gates.errors.max_excess 0% default, gates.errors.max none default, gates.errors.min 100 default, gates.errors.on_fail rollback default, ` +
		`gates.slowness.max_excess 5% default, gates.slowness.max none default, gates.slowness.min 100 default, gates.slowness.on_fail rollback default, ` +
		`gates.fallbacks.max 1% default, gates.window off default`
	if got := settings(route.GateSettings()); got != settled {
		t.Errorf("got  %s\nwant %s", got, settled)
	}
	if got := (spec.Route{Name: "r", Legacy: "old"}).GateSettings(); got != nil {
		t.Errorf("without a new side: %v", got)
	}
}

func TestGatesThatAreOff(t *testing.T) {
	route := parsed(t, "gates: {parity: off, errors: off, slowness: off, fallbacks: off, window: {zone: UTC, days: sat}}")
	policy := route.GatePolicy()
	if !policy.Parity.Off || !policy.Errors.Off || !policy.Slowness.Off || !policy.Fallbacks.Off {
		t.Errorf("got %+v", policy)
	}
	if got := policy.Window.String(); got != "sat 0-24 UTC" {
		t.Errorf("got %s", got)
	}
	const settled = `gates.parity off route, gates.errors off route, gates.slowness off route, gates.fallbacks off route, ` +
		`gates.window.zone UTC route, gates.window.days sat route, gates.window.hours 0-24 default`
	if got := settings(route.GateSettings()); got != settled {
		t.Errorf("got  %s\nwant %s", got, settled)
	}
	daily := parsed(t, "gates: {window: {zone: UTC, hours: 9-16}}")
	if got := daily.GatePolicy().Window.String(); got != "every day 9-16 UTC" {
		t.Errorf("got %s", got)
	}
}

// What Validate refuses may stand in a store, written by another version.
func TestGatesThatCannotBeRead(t *testing.T) {
	want := gate.DefaultPolicy()
	want.Errors.Min = 7
	want.Window = &gate.Window{} // which is never open
	for _, window := range []spec.Window{
		{Zone: "Atlantis", Days: "mon"}, {Zone: "UTC", Days: "someday"}, {Zone: "UTC", Hours: "16-9"}, {Days: "mon", Hours: "9-16"},
	} {
		broken := spec.Route{New: "b", Gates: &spec.Gates{
			Errors: &spec.Part[spec.RateGate]{Set: spec.RateGate{MaxExcess: "lots", Max: "much", OnFail: "explode", Min: new(7)}},
			Window: &window,
		}}
		if got := broken.GatePolicy(); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: got  %+v\nwant %+v", window, got, want)
		}
	}
}

func TestWhatIsWrongWithGates(t *testing.T) {
	const (
		percentage = `write a percentage like 20%`
		inside     = `it must be above 0% and below 100%`
		zones      = `write a name of the IANA database, like Europe/Berlin or UTC`
	)
	tests := map[string]string{
		"{parity: {max_mismatch: 1}}":         `36: route "r": parity max_mismatch is "1": ` + percentage,
		"{parity: {max_mismatch: 0%}}":        `36: route "r": parity max_mismatch is 0%: ` + inside,
		"{parity: {max_mismatch: 100%}}":      `36: route "r": parity max_mismatch is 100%: ` + inside,
		"{parity: {min: 0}}":                  `27: route "r": parity min is 0: it must be positive; leave it out for the default`,
		"{parity: {min: 10000001}}":           `27: route "r": parity min is 10000001: at most 10000000 are allowed`,
		"{parity: on}":                        `21: routes[0].gates.parity is "on": want a map with the keys max_mismatch, min, or off`,
		"{parity: {max: 1%}}":                 `22: unknown key "max" in routes[0].gates.parity; the keys are max_mismatch, min`,
		"{errors: {max_excess: -1%}}":         `34: route "r": errors max_excess is -1%: it must be at least 0% and below 100%`,
		"{errors: {max_excess: lots}}":        `34: route "r": errors max_excess is "lots": ` + percentage,
		"{errors: {max_excess: 100%}}":        `34: route "r": errors max_excess is 100%: it must be at least 0% and below 100%`,
		"{errors: {max_excess: 0%}}":          "",
		"{errors: {max: 0%}}":                 `27: route "r": errors max is 0%: ` + inside,
		"{errors: {max_excess: 5%, max: 1%}}": `43: route "r": errors max (1%) would fail what max_excess (5%) allows: raise max, or lower max_excess`,
		"{errors: {max_excess: 5%, max: 5%}}": "",
		"{errors: {on_fail: explode}}":        `31: route "r": errors on_fail is "explode": write rollback or hold`,
		"{errors: {on_fail: off}}":            `31: route "r": errors on_fail is "off": write rollback or hold`,
		"{slowness: {max: 9%}}": `29: route "r": slowness max (9%) would fail what max_excess (5%) allows beside the 5% that are slow on legacy, by what slow means: ` +
			`raise max, or lower max_excess; the default of max_excess counts, because none is written`,
		"{slowness: {max: 10%}}":                "",
		"{slowness: {max_excess: 2%, max: 6%}}": `45: route "r": slowness max (6%) would fail what max_excess (2%) allows beside the 5% that are slow on legacy, by what slow means: raise max, or lower max_excess`,
		"{fallbacks: {max: 0%}}":                `30: route "r": fallbacks max is 0%: ` + inside,
		"{fallbacks: {max: 100%}}":              `30: route "r": fallbacks max is 100%: ` + inside,
		"{fallbacks: {min: 7}}":                 `25: unknown key "min" in routes[0].gates.fallbacks; the keys are max`,
		"{window: off}":                         `21: routes[0].gates.window is the value "off": want a map with the keys zone, days, hours`,
		"{window: {}}":                          `21: route "r": the change window is empty, so it would never close: write its zone, and days or hours, or leave window out`,
		"{window: {days: mon-thu}}":             `21: route "r": not a change window: the zone is missing, and hours mean nothing without one: ` + zones,
		"{window: {zone: CEST, days: mon}}":     `28: route "r": not a change window: the zone "CEST" is not known: ` + zones,
		"{window: {zone: Local, days: mon}}":    `28: route "r": not a change window: the zone Local is another one on every machine: ` + zones,
		"{window: {zone: UTC}}":                 `21: route "r": the change window has neither days nor hours, so it would never close: write some, or leave window out`,
		"{window: {zone: UTC, days: ''}}":       `21: route "r": the change window has neither days nor hours, so it would never close: write some, or leave window out`,
		"{window: {zone: UTC, days: none}}":     `39: route "r": not a change window: the days are "none": write days like mon-thu or mon,wed,fri`,
		"{window: {zone: UTC, hours: 9-9}}":     `40: route "r": not a change window: the hours are "9-9", which would never open: write the earlier one first`,
		"{window: {zone: UTC, hours: 16-9}}":    `40: route "r": not a change window: the hours are "16-9", which would never open: write the earlier one first`,
		"{window: {zone: UTC, hours: 9}}":       `40: route "r": not a change window: the hours are "9": write hours like 9-16 or 9:30-16, up to 24`,
		"{windows: {zone: UTC}}":                `13: unknown key "windows" in routes[0].gates; did you mean window?`,
		"{}":                                    "",
	}
	for line, want := range tests {
		if want != "" {
			want = "f.yaml:11:" + want
		}
		if got := problems(t, fmt.Sprintf(aroundRoute, "gates: "+line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestGatesThatContradictTheRoute(t *testing.T) {
	const around = "backends:\n  - {name: old, endpoints: [http://127.0.0.1:1]}\n  - {name: fresh, endpoints: [http://127.0.0.1:2]}\nroutes:\n" +
		"  - name: r\n    match: {path: /a, methods: [%s]}\n    legacy: old\n    %s\n    gates: {%s}\n"
	for _, tt := range []struct{ methods, more, gates, want string }{
		{"GET", "new: fresh", "parity: {min: 9}", ""},
		{"GET", "new: fresh\n    shadow: {sample: off}", "parity: {min: 9}", ""}, // shadow stop leaves the rest as it is
		{"POST", "new: fresh\n    shadow: {writes: dry_run}", "parity: {min: 9}", ""},
		{"POST", "new: fresh", "parity: off", ""},
		{"POST", "new: fresh", "errors: {min: 9}", ""},
		{"POST, PUT", "new: fresh", "parity: {min: 9}", `9:21: route "r": requests with its methods (POST, PUT) are not shadowed, so there is nothing to compare: ` +
			`leave parity out, or write with shadow.writes how they may be copied`},
		{"OPTIONS", "new: fresh", "parity: {min: 9}", `9:21: route "r": requests with its methods (OPTIONS) are not shadowed, so there is nothing to compare: leave parity out`},
		{"GET", "new: fresh\n    plan: {steps: [1%, 100%]}", "parity: {min: 9}", `10:21: route "r": its plan has no step shadow, and elsewhere nothing is compared unless shadow.sample says so: ` +
			`write a share there, or shadow as the first step, or leave parity out`},
		{"GET", "new: fresh\n    plan: {steps: [1%, 100%]}\n    shadow: {sample: 5%}", "parity: {min: 9}", ""},
		{"GET", "new: fresh\n    plan: {steps: [1%, 100%]}\n    shadow: {sample: off}", "parity: {min: 9}", ""},
		{"GET", "new: fresh\n    plan: {steps: [1%, 100%]}", "errors: {min: 9}", ""},
		{"GET", "priority: 1", "errors: off", `9:12: route "r": it has no new backend, so it is never promoted: name new, or leave gates out`},
		{"GET", "priority: 1", "", ""},
	} {
		if tt.want != "" {
			tt.want = "f.yaml:" + tt.want
		}
		if got := problems(t, fmt.Sprintf(around, tt.methods, tt.more, tt.gates)); got != tt.want {
			t.Errorf("%s %s %s: got\n%s\nwant\n%s", tt.methods, tt.more, tt.gates, got, tt.want)
		}
	}
	for _, setting := range (spec.Route{New: "b", Match: spec.Match{Methods: []string{"POST"}}}).GateSettings() {
		if strings.HasPrefix(setting.Path(), "gates.parity") {
			t.Errorf("of a route that is not shadowed: %+v", setting)
		}
	}
}

func TestUnknownSettingsOfAGateInJSON(t *testing.T) {
	var route spec.Route
	text := `{"name":"r","match":{"path":"/a"},"legacy":"b","new":"b","gates":{"errors":{"max":"5%","softly":true},"parity":"off"}}`
	if err := json.Unmarshal([]byte(text), &route); err != nil {
		t.Fatal(err)
	}
	file := spec.Definitions{Backends: []spec.Backend{{Name: "b", Endpoints: []string{"http://127.0.0.1:1"}}}, Routes: []spec.Route{route}}
	_, err := spec.Apply(spec.Current{}, file, spec.Source{}, false)
	if want := `routes[0].gates.errors: route "r": gates.errors: unknown field "softly"`; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if policy := route.GatePolicy(); policy.Errors.Max != 0.05 || !policy.Parity.Off {
		t.Errorf("got %+v", policy)
	}
}

func TestDigestsOfGates(t *testing.T) {
	digest := func(written string) string {
		defs, _, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, aroundRoute, written))
		if err != nil {
			t.Fatal(err)
		}
		return defs.Digest()
	}
	for a, b := range map[string]string{
		"":                           "gates: {errors: {}, window: {}}",
		"gates: {errors: {max: 5%}}": "gates: {errors: {max: 5%, on_fail: rollback}}",
		"notify: [a, b]":             "notify: [b, a]",
	} {
		if digest(a) != digest(b) {
			t.Errorf("%s and %s differ", a, b)
		}
	}
	for a, b := range map[string]string{
		"":                           "gates: {errors: off}",
		"gates: {errors: {max: 5%}}": "gates: {errors: {max: 5%, on_fail: hold}}",
		"notify: [a]":                "",
	} {
		if digest(a) == digest(b) {
			t.Errorf("%s and %s are alike", a, b)
		}
	}
}

package fleet_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/spec"
)

func controls() fleet.Controls {
	fault := func(id int64, route, side string) fleet.Fault {
		return fleet.Fault{Fault: guard.Fault{ID: id, Route: route, Side: side, Percent: 10000, Reset: true, Until: time.Unix(id, 0).UTC()}}
	}
	return fleet.Controls{
		Faults:  []fleet.Fault{fault(7, "cart", "new"), fault(9, "rest", "new")},
		Drained: []fleet.Drain{{Backend: "a", Endpoint: "http://a1"}, {Backend: "b", Endpoint: "http://b1"}},
		Resets:  []fleet.Reset{{Route: "cart", Side: "legacy", Generation: 3}, {Route: "gone", Side: "new", Generation: 4}},
		Autopilots: []fleet.Autopilot{
			{Route: "cart", Mode: autopilot.On, Actor: "olga", At: time.Unix(5, 0).UTC()},
			{Route: "gone", Mode: autopilot.On},
			{Route: "rest", Mode: autopilot.Disarmed},
		},
		Freeze: &fleet.Freeze{Actor: "olga", At: time.Unix(6, 0).UTC(), Reason: "sale"},
	}
}

func TestControlsFitWhatIsDefined(t *testing.T) {
	c := controls()
	got := c.Fit(spec.Definitions{
		Backends: []spec.Backend{{Name: "a", Endpoints: []string{"http://a1"}}, {Name: "b", Endpoints: []string{"http://b1", "http://b2"}}},
		Routes:   []spec.Route{{Name: "cart", Legacy: "a", New: "b"}, {Name: "rest", Legacy: "a"}},
	})
	want := fleet.Controls{Faults: c.Faults[:1], Drained: c.Drained[1:], Resets: c.Resets[:1], Autopilots: c.Autopilots[:1], Freeze: c.Freeze}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestControlsSurviveTheSnapshotFile(t *testing.T) {
	s := snapshot(5, 500)
	s.Controls = controls()
	s.Seal()
	path := filepath.Join(t.TempDir(), fleet.SnapshotFile)
	if err := fleet.WriteSnapshot(path, s); err != nil {
		t.Fatal(err)
	}
	got, err := fleet.ReadSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Controls, got.Controls); diff != "" || got.Digest != s.Digest {
		t.Errorf("digest %s, want %s\n%s", got.Digest, s.Digest, diff)
	}
}

// A machine whose clock is set back, or that starts without one, must not keep a
// fault for longer than was left of it.
func TestAFaultInTheSnapshotFileGainsNoTime(t *testing.T) {
	for what, test := range map[string]struct {
		read time.Duration // from now on
		want time.Duration
	}{
		"a clock that went on":   {-20 * time.Minute, 20 * time.Minute},
		"a clock that went back": {30 * 24 * time.Hour, 40 * time.Minute},
	} {
		s, now := snapshot(5, 500), time.Now()
		s.Controls = fleet.Controls{Faults: []fleet.Fault{{Fault: guard.Fault{ID: 7, Until: now.Add(test.read + 40*time.Minute)}}}}
		s.ReadAt = now.Add(test.read)
		s.Seal()
		folder := t.TempDir()
		keep(t, folder, s)
		if left := time.Until(recall(t, folder).Controls.Faults[0].Until); left > test.want || left < test.want-time.Minute {
			t.Errorf("%s: %s are left, want %s", what, left, test.want)
		}
	}
}

func TestRunningFaultsHaveNotEnded(t *testing.T) {
	c := controls()
	if got := c.Running(time.Unix(7, 0)); len(got) != 1 || got[0].ID != 9 || len(c.Faults) != 2 {
		t.Errorf("%+v of %+v", got, c.Faults)
	}
}

func TestControlChangesTellEachBackendOnce(t *testing.T) {
	before := controls()
	after := fleet.Controls{
		Drained:    []fleet.Drain{{Backend: "a", Endpoint: "http://a1"}, {Backend: "a", Endpoint: "http://a2"}, {Backend: "a", Endpoint: "http://a3"}},
		Resets:     []fleet.Reset{{Route: "cart", Side: "legacy", Generation: 5}},
		Autopilots: []fleet.Autopilot{{Route: "cart", Mode: autopilot.Disarmed}, {Route: "orders", Mode: autopilot.On}, {Route: "rest", Mode: autopilot.Disarmed, Actor: "ben"}},
	}
	var told []string
	for _, c := range fleet.ControlChanges(before, after) {
		told = append(told, string(c.Verb)+" "+c.Kind+" "+c.Subject+" "+string(c.Before)+" → "+string(c.After))
	}
	want := []string{
		`fault_stop fault cart {"id":7,"route":"cart","side":"new","percent_bp":10000,"reset":true,"ends_at":"0001-01-01T00:00:00Z"} → `,
		`fault_stop fault rest {"id":9,"route":"rest","side":"new","percent_bp":10000,"reset":true,"ends_at":"0001-01-01T00:00:00Z"} → `,
		`backend_drain backend a {"drained":["http://a1"]} → {"drained":["http://a1","http://a2","http://a3"]}`,
		`backend_ready backend b {"drained":["http://b1"]} → {"drained":[]}`,
		`breaker_reset breaker cart  → {"side":"legacy"}`,
		`autopilot_off autopilot cart {"mode":"on"} → {"mode":"disarmed"}`,
		`autopilot_off autopilot gone {"mode":"on"} → {"mode":"off"}`,
		`autopilot_on autopilot orders {"mode":"off"} → {"mode":"on"}`,
		`unfreeze store  {"frozen":true,"by":"olga","reason":"sale"} → {"frozen":false}`,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestAnAutopilotThatIsOffIsNotNamed(t *testing.T) {
	c := controls()
	was := c.Clone()
	c.SetAutopilot(fleet.Autopilot{Route: "cart", Mode: autopilot.Off})
	c.SetAutopilot(fleet.Autopilot{Route: "rest", Mode: autopilot.On})
	c.SetAutopilot(fleet.Autopilot{Route: "nobody", Mode: autopilot.Off})
	c.Sort()
	want := []fleet.Autopilot{{Route: "gone", Mode: autopilot.On}, {Route: "rest", Mode: autopilot.On}}
	if diff := cmp.Diff(want, c.Autopilots); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(controls(), was); diff != "" {
		t.Errorf("a clone changed with it:\n%s", diff)
	}
	for route, mode := range map[string]autopilot.Mode{"cart": autopilot.Off, "rest": autopilot.On, "nobody": autopilot.Off} {
		if got := c.ModeOf(route); got != mode {
			t.Errorf("%s is %s, want %s", route, got, mode)
		}
	}
}
